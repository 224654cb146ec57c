-- one row per success signal that this transaction brought
select
    unit_signal.* exclude (change, recorded_at),
from unit_signal
where
    unit_signal.recorded_at = $now::timestamp
    and unit_signal.outcome = 'success'
    and unit_signal.change = 1
