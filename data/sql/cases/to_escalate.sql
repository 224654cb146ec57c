-- one row per case that waits for a person, has missed its due time, and whose next step has come; the longest overdue first
with
stepped as (
    select
        exception_case.id,
        next_due(exception_case.triaged_at, exception_case.triage_due_at, exception_case.due_at) as due_at,
        list_extract(
            coalesce(
                list_extract($flow_seconds::bigint[][], list_position($flows::varchar[], exception_case.flow)),
                $seconds::bigint[]
            ),
            coalesce(exception_case.escalation_level, 0) + 1
        ) as seconds,
    from exception_case
    where
        list_contains($waiting::varchar[], exception_case.state)
        and exception_case.snoozed_by is null
)

select exception_case.*
from exception_case
inner join stepped on exception_case.id = stepped.id
where stepped.due_at + to_seconds(stepped.seconds) <= $now::timestamp
order by
    stepped.due_at,
    exception_case.correlation_id,
    exception_case.id
limit $limit
