-- one row per source, name and content of what one source took as a whole, the oldest first
select
    source_item.* exclude (source),
from source_item
where source_item.source = $source
order by
    source_item.taken_at,
    source_item.name
