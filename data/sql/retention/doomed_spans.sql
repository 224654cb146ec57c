-- one row per span of some hours that is to be removed
select
    span.record_id,
    trace_bits(span.trace_id) as key,
    span.end_time as moment,
from span
where
    span.time >= $low
    and span.time < $high
    and span.end_time < $before
    and (not $stripping or span.attributes is not null or span.resource is not null or span.events is not null)
    and trace_bits(span.trace_id) not in (select living_trace.key from living_trace)
    and not is_held(span.correlation_id, span.run_id, span.technical_id, span.flow, $ids, $flows)
    and coalesce(span.trace_id not in (select held_trace.trace_id from held_trace), true)
limit $limit
