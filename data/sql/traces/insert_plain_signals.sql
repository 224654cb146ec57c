-- one row per incoming signal that names its unit and flow, in a trace where nothing else has to be looked at;
-- and one per trace without any ID whose root ended well
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
    coalesce(not said.completes, false) or said.outcome = 'progress' as continues,
    1 as change,
    $now::timestamp as recorded_at,
from (
    select
        incoming_span.* exclude (time, end_time, outcome),
        incoming_span.end_time as time,
        incoming_span.outcome,
    from incoming_span
    where incoming_span.outcome is not null
    union all by name
    select
        incoming_span.* exclude (time, end_time, correlation_id, flow, outcome),
        incoming_span.trace_id as correlation_id,
        coalesce(incoming_span.flow, incoming_span.service, incoming_span.source) as flow,
        incoming_span.end_time as time,
        'ended' as outcome,
    from incoming_span
    where
        incoming_span.parent_span_id is null
        and incoming_span.role is null
        and incoming_span.outcome is null
        and incoming_span.status <> 'error'
        and incoming_span.correlation_id is null
        and incoming_span.run_id is null
        and incoming_span.technical_id is null
    union all by name
    select
        incoming_log.* exclude (flow),
        coalesce(
            incoming_log.flow,
            if(incoming_log.trace_id is null, coalesce(incoming_log.service, incoming_log.source), null)
        ) as flow,
    from incoming_log
    where incoming_log.outcome is not null
) as said
where
    said.outcome in ('success', 'progress', 'ended')
    and said.correlation_id is not null
    and said.flow is not null
    and coalesce(said.trace_id, 'id ' || said.correlation_id) not in (select joined_trace.trace_id from joined_trace)
