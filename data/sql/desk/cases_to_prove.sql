-- one row per case that a signal may prove: those of the given IDs, and all of the given flows
select
    exception_case.*,
from exception_case
where
    exception_case.state not in ('resolved', 'expired')
    and (
        exception_case.correlation_id in (select unnest($ids::varchar[]))
        or list_contains($flows::varchar[], exception_case.flow)
    )
