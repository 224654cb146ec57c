-- one row per asked ID that log lines without a trace give a tenant
select
    coalesce(log.correlation_id, log.run_id, log.technical_id) as correlation_id,
    list(distinct log.tenant) as tenants,
from log
where
    log.trace_id is null
    and log.tenant is not null
    and log.time between make_timestamp($low) and make_timestamp($high)
    and coalesce(log.correlation_id, log.run_id, log.technical_id) in (select asked_id.correlation_id from asked_id)
group by
    coalesce(log.correlation_id, log.run_id, log.technical_id)
