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
    create_sort_key(
        source_item.taken_at, 'desc nulls last',
        sortable(source_item.name), 'asc nulls last',
        sortable(source_item.source), 'asc nulls last',
        source_item.digest, 'asc nulls last'
    ) as place,
    count(*) over () as total,
from source_item
where $source is null or source_item.source = $source
{page}
