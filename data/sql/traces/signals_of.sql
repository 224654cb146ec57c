-- one row per signal of the wanted traces that still stands
select
    unit_signal.* exclude (change, recorded_at),
from unit_signal
where
    unit_signal.time between make_timestamp($low) and make_timestamp($high)
    and unit_signal.trace_id in (select wanted_trace.trace_id from wanted_trace)
group by all
having sum(unit_signal.change) > 0
