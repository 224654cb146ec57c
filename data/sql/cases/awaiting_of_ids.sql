-- one row per approval of these IDs that waits for an answer
select
    exception_case.*,
from exception_case
where
    exception_case.state = $state
    and list_contains($ids::varchar[], exception_case.correlation_id)
order by
    exception_case.first_seen,
    exception_case.approval_id
