-- one row per quarantined record that was asked for, whole
select
    quarantine.id,
    quarantine.source,
    quarantine.source_offset,
    quarantine.size,
    quarantine.bytes,
    quarantine.sender,
    quarantine.replayed_at,
    quarantine.replay_result,
from quarantine
where list_contains($ids::varchar[], quarantine.id)
order by
    quarantine.received_at,
    quarantine.id
