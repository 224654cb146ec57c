-- one row per case that waits for a person, has missed its due time, and whose next step has come; the longest overdue first
with
leveled as (
    select
        exception_case.id,
        next_due(exception_case.triaged_at, exception_case.triage_due_at, exception_case.due_at) as due_at,
        coalesce(exception_case.escalation_level, 0) + 1 as level,
        exception_case.approval_id is not null as is_approval,
        coalesce(
            list_extract($flow_seconds::bigint[][], list_position($flows::varchar[], exception_case.flow)),
            $seconds::bigint[]
        ) as seconds,
    from exception_case
    where
        list_contains($waiting::varchar[], exception_case.state)
        and exception_case.snoozed_by is null
),
stepped as (
    select
        leveled.id,
        leveled.due_at,
        -- an approval is escalated once where no steps are set
        list_extract(if(leveled.is_approval and len(leveled.seconds) = 0, [0::bigint], leveled.seconds), leveled.level) as seconds,
    from leveled
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
