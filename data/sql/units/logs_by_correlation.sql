-- one row per log record of the unit, oldest first: those that name it, and those of its traces that name no other
with
traces as (
    select
        unnest($trace_ids::varchar[]) as trace_id,
        unnest($tenants::varchar[]) as tenant,
        unnest($flows::varchar[]) as flow,
)
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
    create_sort_key(
        log.time, 'asc nulls last',
        sortable(log.source), 'asc nulls last',
        log.source_offset, 'asc nulls last',
        log.seq, 'asc nulls last',
        log.record_id, 'asc nulls last'
    ) as place,
    count(*) over () as total,
from log
left join traces on log.trace_id = traces.trace_id
where
    (log.correlation_id = $id or log.run_id = $id or log.technical_id = $id or (log.correlation_id is null and traces.trace_id is not null))
    and log.ingested_at in (select unnest($deliveries::timestamp[]))
    and log.time between $low and $high
    and in_scope(coalesce(log.tenant, traces.tenant), coalesce(log.flow, traces.flow), $scope::varchar[])
    and log.record_id not in (select unnest($others::ubigint[]))
{page}
