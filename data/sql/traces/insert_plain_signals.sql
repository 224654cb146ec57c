-- one row per incoming signal that names its unit and flow, in a trace where nothing else has to be looked at
insert into unit_signal by name
select
    coalesce(said.trace_id, 'id ' || said.correlation_id) as trace_id,
    said.record_id,
    said.correlation_id,
    said.flow,
    said.tenant,
    said.time,
    said.outcome,
    coalesce(said.part, said.service) as part,
    coalesce(said.completes, false)
    or (said.seq is null and said.outcome = 'success')
    or coalesce(said.part, said.service) is null as final,
    said.retry_id,
    coalesce(said.instance, said.host, if(said.source = 'otlp', null, said.source)) as clock,
    said.seq,
    1 as change,
    $now::timestamp as recorded_at,
from (
    select
        record_id, trace_id, correlation_id, flow, tenant, end_time as time, part, service,
        completes, retry_id, instance, host, source, seq,
        case
            when outcome is not null then outcome
            -- the end of the unit's way through a service, which proves nothing
            when role is null and status <> 'error' and (parent_span_id is null or kind in ('server', 'consumer')) then 'ended'
        end as outcome,
    from incoming_span
    union all by name
    select
        record_id, trace_id, correlation_id, coalesce(flow, if(trace_id is null, coalesce(service, source), null)) as flow,
        tenant, time, part, service, completes, retry_id, instance, host, source, seq, outcome,
    from incoming_log
) as said
where
    said.outcome in ('success', 'progress', 'ended')
    and said.correlation_id is not null
    and said.flow is not null
    and coalesce(said.trace_id, 'id ' || said.correlation_id) not in (select joined_trace.trace_id from joined_trace)
