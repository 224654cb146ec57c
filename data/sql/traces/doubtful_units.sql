-- one row per trace and unit that perhaps no record of that trace names any more
select
    unit_trace.trace_id,
    unit_trace.correlation_id,
    unit_trace.first_seen,
    unit_trace.last_seen,
from unit_trace
where
    not unit_trace.joined
    and exists (
        select 1
        from log_before
        where
            log_before.trace_id = unit_trace.trace_id
            and log_before.correlation_id = unit_trace.correlation_id
    )
