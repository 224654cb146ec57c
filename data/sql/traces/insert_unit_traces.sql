-- one row per trace and unit that incoming records name themselves
insert into unit_trace by name
select
    named.correlation_id,
    named.flow,
    named.tenant,
    named.trace_id,
    min(named.time) as first_seen,
    max(named.end_time) as last_seen,
    false as joined,
from (
    select correlation_id, flow, tenant, trace_id, time, end_time from incoming_span
    union all
    select correlation_id, flow, tenant, trace_id, time, time as end_time from incoming_log
) as named
where
    named.correlation_id is not null
    and named.flow is not null
    and named.trace_id is not null
group by all
