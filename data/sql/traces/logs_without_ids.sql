-- one row per error or outcome of the wanted origins from a log record that names neither a trace nor an ID
select
    log.* exclude (attributes, resource, data),
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.trace_id is null
    and (
        log.severity_number >= 17
        or log.outcome is not null
    )
    and coalesce(log.correlation_id, log.run_id, log.technical_id) is null
    and coalesce(log.service, log.source) in (select wanted_origin.origin from wanted_origin)
