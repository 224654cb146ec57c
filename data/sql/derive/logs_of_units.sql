-- one row per log record that names an asked ID and its flow
select
    log.* exclude (attributes, resource, data),
from log
where
    log.ingested_at in (select unnest($deliveries::timestamp[]))
    and log.time between $low and $high
    and (log.flow is not null or log.trace_id is null)
    and coalesce(log.correlation_id, if(log.trace_id is null, coalesce(log.run_id, log.technical_id), null)) in (
        select asked_id.correlation_id from asked_id
    )
