-- one row per source that keeps a cursor
merge into source_cursor
using (
    select
        $source::varchar as source,
        $value::varchar as value,
        $now::timestamp as now
) as moved
on source_cursor.source = moved.source
when matched then update set
    value = moved.value,
    updated_at = moved.now
when not matched then insert (source, value, updated_at) values (moved.source, moved.value, moved.now)
