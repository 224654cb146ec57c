-- one row per error or outcome of the wanted IDs from a log record without a trace
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
    and (
        log.correlation_id in (select wanted_id.id from wanted_id)
        or log.run_id in (select wanted_id.id from wanted_id)
        or log.technical_id in (select wanted_id.id from wanted_id)
    )
