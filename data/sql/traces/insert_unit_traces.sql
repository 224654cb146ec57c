-- one row per trace and unit that incoming records name themselves
insert into unit_trace by name
select
    spoken.correlation_id,
    spoken.flow,
    spoken.tenant,
    spoken.trace_id,
    min(spoken.time) as first_seen,
    max(spoken.end_time) as last_seen,
    false as joined,
from spoken
where spoken.trace_id is not null
group by
    spoken.correlation_id,
    spoken.flow,
    spoken.tenant,
    spoken.trace_id
