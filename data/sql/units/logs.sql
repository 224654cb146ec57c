-- one row per log record that passes the filter, newest first
with
part as (
    select
        log.time,
        log.record_id,
        create_sort_key(log.time, 'desc nulls last', log.record_id, 'asc nulls last') as place,
        count(*) over () as total,
    from log
    where
        in_scope(log.tenant, log.flow, $scope::varchar[])
        and ($from is null or log.time >= $from)
        and ($to is null or log.time < $to)
        and ($flow is null or log.flow = $flow)
        and ($severity_number is null or log.severity_number >= $severity_number)
        and ($source is null or log.source = $source)
        and ($correlation_id is null or log.correlation_id = $correlation_id)
        and ($trace_id is null or log.trace_id = $trace_id)
        and (
            $q is null
            or contains(lower(log.message), lower($q))
            or contains(lower(coalesce(log.exception_message, '')), lower($q))
            or log.correlation_id = $q
        )
    {page}
)
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
    part.place,
    part.total,
from part
inner join log
    on
        part.record_id = log.record_id
        and part.time = log.time
order by part.place
