-- one row per log record of the wanted traces that says something: an ID, an error, an outcome
select
    log.* exclude (attributes, resource, data),
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.trace_id in (select wanted_trace.trace_id from wanted_trace)
    and (
        log.severity_number >= 17
        or log.outcome is not null
        or log.correlation_id is not null
        or log.run_id is not null
        or log.flow is not null
    )
