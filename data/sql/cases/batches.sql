-- one row per batch that the reader may see, the newest first: their own, or all with everything in scope
with seen as (
    select batch.*
    from batch
    where
        ($scope::varchar[] is null or batch.author = $me)
        and ($id::varchar is null or batch.id = $id)
        and ($author::varchar is null or batch.author = $author)
        and ($states::varchar[] is null or list_contains($states::varchar[], batch.state))
)

select
    seen.*,
    (select count(*) from seen) as total_seen,
from seen
where
    $after_id::varchar is null
    or seen.created_at < $after_at::timestamp
    or (seen.created_at = $after_at::timestamp and seen.id < $after_id)
order by
    seen.created_at desc,
    seen.id desc
limit $limit
