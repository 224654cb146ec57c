-- one row per unit that was concluded from other records of the wanted traces
select
    unit_trace.trace_id,
    unit_trace.correlation_id,
    unit_trace.flow,
    unit_trace.tenant,
    min(unit_trace.first_seen) as first_seen,
    max(unit_trace.last_seen) as last_seen,
from unit_trace
where
    unit_trace.last_seen between make_timestamp($low) and make_timestamp($high)
    and unit_trace.joined
    and unit_trace.trace_id in (select wanted_trace.trace_id from wanted_trace)
group by all
