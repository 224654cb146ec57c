-- one row per span, oldest first; total counts what the limit cut
select
    span.* exclude (ingested_at, attributes, resource, events, links),
    span.attributes::json::varchar as attributes,
    span.resource::json::varchar as resource,
    span.events::json::varchar as events,
    span.links::json::varchar as links,
    count(*) over () as total,
from span
where
    span.trace_id = $id
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and in_scope(span.tenant, span.flow, $scope::varchar[])
order by
    span.time,
    span.end_time desc,
    span.source,
    span.source_offset,
    span.span_id
limit $limit
