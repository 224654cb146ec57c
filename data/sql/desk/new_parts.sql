-- one row per flow and part of which this transaction says, or takes back, that a later part completes the unit
select distinct
    unit_signal.flow,
    coalesce(unit_signal.part, '') as part,
    unit_signal.change,
from unit_signal
where
    unit_signal.recorded_at = $now::timestamp
    and unit_signal.continues
