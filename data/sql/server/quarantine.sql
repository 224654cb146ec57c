-- one row per record that could not be read, newest first
with
part as (
    select
        quarantine.id,
        create_sort_key(quarantine.received_at, 'desc nulls last', quarantine.id, 'asc nulls last') as place,
        count(*) over () as total,
    from quarantine
    {page}
)
select
    quarantine.id,
    quarantine.source,
    quarantine.source_offset,
    quarantine.reason,
    quarantine.received_at,
    quarantine.size,
    quarantine.sender,
    quarantine.bytes[1:2000] as sample,
    quarantine.replayed_at,
    quarantine.replay_result,
    part.place,
    part.total,
from part
inner join quarantine on part.id = quarantine.id
order by part.place
