-- one row per case that a signal may prove: those of the given IDs, and all of the given flows
select
    exception_case.*,
from exception_case
where
    exception_case.first_seen between make_timestamp($low) and make_timestamp($high)
    and exception_case.state <> 'expired'
    and exception_case.approval_id is null
    and (
        exception_case.state <> 'resolved'
        or list_contains($verifiable::varchar[], exception_case.resolution_code)
    )
    and (
        exception_case.correlation_id in (select unnest($ids::varchar[]))
        or list_contains($flows::varchar[], exception_case.flow)
    )
