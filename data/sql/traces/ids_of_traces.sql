-- one row per wanted trace and business ID that its records name
select
    span.trace_id,
    span.correlation_id,
from span
where
    span.end_time >= make_timestamp($low)
    and span.time <= make_timestamp($high)
    and span.trace_id in (select wanted_trace.trace_id from wanted_trace)
    and span.correlation_id is not null
union
select
    log.trace_id,
    log.correlation_id,
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.trace_id in (select wanted_trace.trace_id from wanted_trace)
    and log.correlation_id is not null
