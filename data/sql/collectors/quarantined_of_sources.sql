-- one row per record in quarantine that sources brought, and that was not read again since a moment
select
    quarantine.id,
from quarantine
where
    (
        list_contains($sources::varchar[], quarantine.source)
        or list_contains($sources::varchar[], split_part(quarantine.source, '/', 1))
    )
    and quarantine.received_at >= $since
    and coalesce(quarantine.replay_result, '') != 'replayed'
    and (quarantine.replayed_at is null or quarantine.replayed_at < $until)
order by quarantine.received_at
limit $limit
