-- one row per followed file
merge into file_offset
using (
    select
        $path::varchar as path,
        $identity::varchar as identity,
        $byte_offset::bigint as byte_offset,
        $now::timestamp as now,
) as moved
on file_offset.path = moved.path
when matched then update set
    identity = moved.identity,
    byte_offset = moved.byte_offset,
    updated_at = moved.now
when not matched then insert values (moved.path, moved.identity, moved.byte_offset, moved.now)
