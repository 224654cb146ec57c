-- one row per log record in whose attributes the ID stands as a value, the newest ones, oldest of them first
-- It reads the attributes of the newest log records: only where nothing else finds the ID. The total counts what the limit cut.
with
texts as (
    select
        log.record_id,
        log.time,
        lower(concat(log.attributes::json, log.data)) as text,
    from log
    where
        log.rowid >= (select count(*) from log) - $newest::bigint
        and in_scope(log.tenant, log.flow, $scope::varchar[])
),
carrying as (
    select
        texts.record_id,
        count(*) over () as total,
    from texts
    where
        contains(texts.text, lower(to_json($id::varchar)::varchar))
        -- an ID of digits only may be written as a number; for any other this is null
        or regexp_matches(texts.text, $number)
    order by
        texts.time desc
    limit $limit
)
select
    log.* exclude (ingested_at, attributes, resource, data),
    log.data::varchar as data,
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
    carrying.total,
from carrying
inner join log on carrying.record_id = log.record_id
where
    in_scope(log.tenant, log.flow, $scope::varchar[])
order by
    log.time,
    log.source,
    log.source_offset,
    log.seq,
    log.record_id
limit $limit
