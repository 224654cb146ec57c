-- one row per source that keeps a cursor: the one that was asked for
select
    source_cursor.value,
from source_cursor
where source_cursor.source = $source
