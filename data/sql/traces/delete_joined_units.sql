-- one row per trace and unit that was concluded, and is not so any more
delete from unit_trace
where
    unit_trace.joined
    and exists (
        select 1
        from lost_unit
        where
            lost_unit.trace_id = unit_trace.trace_id
            and lost_unit.correlation_id = unit_trace.correlation_id
            and lost_unit.flow = unit_trace.flow
            and lost_unit.tenant is not distinct from unit_trace.tenant
            -- what the trace's ID says a day before or after is another part of it
            and unit_trace.last_seen between lost_unit.first_seen and lost_unit.last_seen
    )
