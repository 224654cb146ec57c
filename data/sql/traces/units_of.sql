-- one row per time that a unit was concluded from other records of the wanted traces
select
    unit_trace.trace_id,
    unit_trace.correlation_id,
    unit_trace.flow,
    unit_trace.tenant,
    unit_trace.first_seen,
    unit_trace.last_seen,
    unit_trace.untold,
    unit_trace.human_at,
from unit_trace
where
    unit_trace.last_seen between make_timestamp($low) and make_timestamp($high)
    and unit_trace.joined
    and unit_trace.trace_id in (select wanted_trace.trace_id from wanted_trace)
