-- one row per trace and unit that no record of that trace names any more
delete from unit_trace
where
    not unit_trace.joined
    and exists (
        select 1
        from unnamed_unit
        where
            unnamed_unit.trace_id = unit_trace.trace_id
            and unnamed_unit.correlation_id = unit_trace.correlation_id
    )
