-- one row per span in whose attributes the ID stands as a value, the newest ones, oldest of them first
-- It reads the attributes of the newest spans: only where nothing else finds the ID. The total counts what the limit cut.
with
texts as (
    select
        span.record_id,
        span.time,
        lower(concat(span.attributes::json, span.events::json)) as text,
    from span
    where
        span.rowid >= (select count(*) from span) - $newest::bigint
        and in_scope(span.tenant, span.flow, $scope::varchar[])
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
    span.* exclude (ingested_at, attributes, resource, events, links),
    span.attributes::json::varchar as attributes,
    span.resource::json::varchar as resource,
    span.events::json::varchar as events,
    span.links::json::varchar as links,
    carrying.total,
from carrying
inner join span on carrying.record_id = span.record_id
where
    in_scope(span.tenant, span.flow, $scope::varchar[])
order by
    span.time,
    span.end_time desc,
    span.source,
    span.source_offset,
    span.span_id
limit $limit
