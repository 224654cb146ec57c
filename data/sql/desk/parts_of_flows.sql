-- one row per flow and part that says that a later part completes the unit: of this transaction, or ever
select distinct
    unit_signal.flow,
    coalesce(unit_signal.part, '') as part,
from unit_signal
where
    unit_signal.outcome = 'progress'
    and unit_signal.change = 1
    and ($now::timestamp is null or unit_signal.recorded_at = $now::timestamp)
