-- one row per trace that holds records of something that is held
select distinct
    unit_trace.trace_id,
from unit_trace
where
    list_contains($ids::varchar[], lower(unit_trace.correlation_id))
    or list_contains($flows::varchar[], unit_trace.flow)
