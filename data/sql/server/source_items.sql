-- one row per source, name and content of what was taken as a whole, by one source or by all: a page, newest first
select
    source_item.source,
    source_item.name,
    source_item.digest,
    source_item.size,
    source_item.records,
    source_item.rejected,
    source_item.error,
    source_item.same_as,
    source_item.deliveries,
    source_item.taken_at,
    count(*) over () as total,
from source_item
where $source is null or source_item.source = $source
order by
    source_item.taken_at desc,
    source_item.name
limit $limit
offset $offset
