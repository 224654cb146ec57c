-- one row per span of the wanted traces
select
    span.* exclude (attributes, resource, events, links),
    span.links::json::varchar as links,
from span
where
    span.end_time >= make_timestamp($low)
    and span.time <= make_timestamp($high)
    and span.trace_id in (select wanted_trace.trace_id from wanted_trace)
