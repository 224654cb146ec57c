-- one row per flow and part that says that a later part completes the unit
select distinct
    unit_signal.flow,
    coalesce(unit_signal.part, '') as part,
from unit_signal
where
    unit_signal.continues
group by
    unit_signal.trace_id,
    unit_signal.record_id,
    unit_signal.flow,
    unit_signal.part
having sum(unit_signal.change) > 0
