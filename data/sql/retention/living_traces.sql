-- one row per trace, or what joins records without one, that goes on after a moment for a day: 64 bits
select distinct
    trace_bits(span.trace_id) as key,
from span
where
    span.end_time >= $low
    and span.time < $high
union
select distinct
    log_bits(log.trace_id, log.correlation_id, log.run_id, log.technical_id, coalesce(log.service, log.source)) as key,
from log
where
    log.time >= $low
    and log.time < $high
    and (log.trace_id is not null or coalesce(log.correlation_id, log.run_id, log.technical_id) is not null)
