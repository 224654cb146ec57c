-- one row per span of the unit, oldest first: those that name it, and those of its traces that name no other
with
traces as (
    select
        unnest($trace_ids::varchar[]) as trace_id,
        unnest($tenants::varchar[]) as tenant,
        unnest($flows::varchar[]) as flow,
)
select
    span.* exclude (ingested_at, attributes, resource, events, links),
    span.attributes::json::varchar as attributes,
    span.resource::json::varchar as resource,
    span.events::json::varchar as events,
    span.links::json::varchar as links,
    create_sort_key(
        span.time, 'asc nulls last',
        span.end_time, 'desc nulls last',
        sortable(span.source), 'asc nulls last',
        span.source_offset, 'asc nulls last',
        span.span_id, 'asc nulls last',
        span.record_id, 'asc nulls last'
    ) as place,
    count(*) over () as total,
from span
left join traces on span.trace_id = traces.trace_id
where
    (span.correlation_id = $id or span.run_id = $id or span.technical_id = $id or (span.correlation_id is null and traces.trace_id is not null))
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and span.time between $low and $high
    and in_scope(coalesce(span.tenant, traces.tenant), coalesce(span.flow, traces.flow), $scope::varchar[])
    and span.record_id not in (select unnest($others::ubigint[]))
{page}
