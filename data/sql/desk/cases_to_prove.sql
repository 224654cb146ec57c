-- one row per case that a signal, or its own change, may prove
select
    exception_case.*,
from exception_case
where
    exception_case.state not in ('resolved', 'expired')
    and (
        list_contains($ids::varchar[], exception_case.correlation_id)
        or list_contains($cases::varchar[], exception_case.id)
        or list_contains($flows::varchar[], exception_case.flow)
    )
