-- one row per log record that names an asked ID and its flow
select
    log.* exclude (attributes, resource, data),
from log
where
    log.time between $low and $high
    and (log.flow is not null or log.trace_id is null)
    and log.correlation_id in (select asked_id.correlation_id from asked_id)
