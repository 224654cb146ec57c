-- one row per span of the wanted traces
select
    span.* exclude (attributes, resource, events, links),
    span.links::json::varchar as links,
from span
where
    span.time between make_timestamp($low) and make_timestamp($high)
    and span.trace_id in (select wanted_trace.trace_id from wanted_trace)
