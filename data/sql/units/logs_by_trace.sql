-- one row per log record, oldest first; total counts what the limit cut
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
    count(*) over () as total,
from log
where
    log.trace_id = $id
    and log.ingested_at in (select unnest($deliveries::timestamp[]))
    and in_scope(log.tenant, log.flow, $scope::varchar[])
order by
    log.time,
    log.source,
    log.source_offset,
    log.seq,
    log.record_id
limit $limit
