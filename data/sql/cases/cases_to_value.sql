-- one row per live case of the IDs whose value or context may be another one now
select
    exception_case.tenant,
    exception_case.flow,
    exception_case.step,
    exception_case.correlation_id,
from exception_case
where
    exception_case.first_seen between make_timestamp($low) and make_timestamp($high)
    and list_contains($live::varchar[], exception_case.state)
    and exception_case.correlation_id in (select asked_id.correlation_id from asked_id)
