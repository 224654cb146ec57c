-- one row per record that could not be read, newest first
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
    count(*) over () as total,
from quarantine
order by
    quarantine.received_at desc,
    quarantine.id
limit $limit
offset $offset
