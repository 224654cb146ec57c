-- one row: the unit's latest success signal
select
    unit.completed_at,
from unit
where
    unit.correlation_id = $correlation_id
    and unit.flow = $flow
