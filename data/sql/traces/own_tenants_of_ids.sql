-- one row per asked ID that its traces or its ends give a tenant
select
    found.correlation_id,
    list(distinct found.tenant) as tenants,
from (
    select unit_trace.correlation_id, unit_trace.tenant
    from unit_trace
    where unit_trace.correlation_id in (select asked_id.correlation_id from asked_id)
    union all
    select unit_signal.correlation_id, unit_signal.tenant
    from unit_signal
    where unit_signal.correlation_id in (select asked_id.correlation_id from asked_id)
    group by unit_signal.trace_id, unit_signal.record_id, unit_signal.correlation_id, unit_signal.tenant
    having sum(unit_signal.change) > 0
) as found
where found.tenant is not null
group by
    found.correlation_id
