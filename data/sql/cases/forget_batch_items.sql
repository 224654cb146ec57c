-- one row per item of a list that was frozen and never started
delete from batch_item
where batch_item.batch_id in (
    select batch.id
    from batch
    where
        batch.state = 'frozen'
        and batch.created_at < $since::timestamp
)
