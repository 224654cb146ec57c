-- one row per unit whose last failure was proven recovered
update unit set
    completed_at = greatest(unit.completed_at, proven.verified_at),
    outcome = if(proven.verified_at >= unit.failed_at, 'success', unit.outcome)
from (
    select
        exception_case.correlation_id,
        exception_case.flow,
        exception_case.tenant,
        max(exception_case.verified_at) as verified_at,
    from exception_case
    where list_contains($ids::varchar[], exception_case.correlation_id)
    group by all
    having bool_and(exception_case.state not in ('open', 'claimed', 'retrying', 'verifying'))
) as proven
where
    proven.correlation_id = unit.correlation_id
    and proven.flow = unit.flow
    and proven.tenant is not distinct from unit.tenant
    and proven.verified_at is not null
