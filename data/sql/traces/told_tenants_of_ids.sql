-- one row per asked ID that records give a tenant: those that name it, and those of its traces
select
    told.correlation_id,
    list(distinct told.tenant) as tenants,
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
    union all
    select coalesce(log.correlation_id, log.run_id, log.technical_id) as correlation_id, log.tenant
    from log
    where
        log.trace_id is null
        and log.time between
            (select min(unit.first_seen) from unit where unit.correlation_id in (select asked_id.correlation_id from asked_id))
            and (select max(unit.last_seen) from unit where unit.correlation_id in (select asked_id.correlation_id from asked_id))
        and coalesce(log.correlation_id, log.run_id, log.technical_id) in (select asked_id.correlation_id from asked_id)
) as told
where told.tenant is not null
group by
    told.correlation_id
