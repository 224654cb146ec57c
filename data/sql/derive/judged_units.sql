-- one row per unit of the given IDs that is other than its cases allow
-- A unit with a failure that its success does not prove stays failed; one whose last failure was proven did well.
update unit set
    completed_at = if(judged.unproven, null, greatest(unit.completed_at, judged.verified_at)),
    outcome = case
        when judged.unproven then 'failed'
        when judged.verified_at >= unit.failed_at then 'success'
        else unit.outcome
    end
from (
    select
        exception_case.correlation_id,
        exception_case.flow,
        exception_case.tenant,
        max(exception_case.verified_at) as verified_at,
        bool_or(list_contains($live::varchar[], exception_case.state)) as live,
        bool_or(
            list_contains($live::varchar[], exception_case.state)
            and coalesce(exception_case.note, '') not in ('needs a look', 'the script went on after this error', 'partial')
        ) as unproven,
    from exception_case
    where
        exception_case.first_seen between make_timestamp($case_low) and make_timestamp($case_high)
        and exception_case.correlation_id in (select unnest($ids::varchar[]))
    group by
        exception_case.correlation_id,
        exception_case.flow,
        exception_case.tenant
) as judged
where
    unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id = judged.correlation_id
    and unit.flow = judged.flow
    and unit.tenant is not distinct from judged.tenant
    and (
        (judged.unproven and unit.completed_at is not null)
        or (not judged.live and judged.verified_at is not null)
    )
