-- one row per signal, and per trace that was joined, of the asked IDs
select
    standing.correlation_id,
    standing.flow,
    standing.tenant,
    standing.outcome,
    standing.time,
    standing.time as end_time,
    null::timestamp as human_at,
from (
    select
        unit_signal.trace_id,
        unit_signal.record_id,
        unit_signal.correlation_id,
        unit_signal.flow,
        unit_signal.tenant,
        unit_signal.outcome,
        unit_signal.time,
    from unit_signal
    where unit_signal.correlation_id in (select asked_id.correlation_id from asked_id)
    group by all
    having sum(unit_signal.change) > 0
) as standing
union all
select
    unit_trace.correlation_id,
    unit_trace.flow,
    unit_trace.tenant,
    null as outcome,
    unit_trace.first_seen as time,
    unit_trace.last_seen as end_time,
    unit_trace.human_at,
from unit_trace
where
    unit_trace.joined
    and unit_trace.correlation_id in (select asked_id.correlation_id from asked_id)
