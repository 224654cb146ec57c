-- one row per log record that passes the filter, newest first
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
    count(*) over () as total,
from log
where
    in_scope(log.tenant, log.flow, $scope::varchar[])
    and ($from is null or log.time >= $from)
    and ($to is null or log.time < $to)
    and ($flow is null or log.flow = $flow)
    and ($severity_number is null or log.severity_number >= $severity_number)
    and ($source is null or log.source = $source)
    and (
        $q is null
        or contains(lower(log.message), lower($q))
        or contains(lower(coalesce(log.exception_message, '')), lower($q))
        or log.correlation_id = $q
    )
order by
    log.time desc,
    log.record_id
limit $limit
offset $offset
