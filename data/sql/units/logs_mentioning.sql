-- one row per log record whose text names the ID without belonging to it, oldest first
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
from log
where
    log.mentions is not null
    and log.ingested_at in (select unnest($deliveries::timestamp[]))
    and list_contains(list_transform(log.mentions, lambda name: lower(name)), lower($id))
    and in_scope(log.tenant, log.flow, $scope::varchar[])
order by
    log.time,
    log.source,
    log.source_offset,
    log.seq,
    log.record_id
limit $limit
