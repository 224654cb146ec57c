-- one row per trace and unit, of the doubtful ones, that no record of that trace names
select
    doubtful_unit.trace_id,
    doubtful_unit.correlation_id,
from doubtful_unit
where
    not exists (
        select 1
        from log
        where
            log.trace_id = doubtful_unit.trace_id
            and log.correlation_id = doubtful_unit.correlation_id
            and log.time between doubtful_unit.first_seen and doubtful_unit.last_seen
    )
    and not exists (
        select 1
        from span
        where
            span.trace_id = doubtful_unit.trace_id
            and span.correlation_id = doubtful_unit.correlation_id
            and span.time <= doubtful_unit.last_seen
            and span.end_time >= doubtful_unit.first_seen
    )
