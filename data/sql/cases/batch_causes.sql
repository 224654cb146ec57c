-- one row per state and cause of the items of a batch that were not done
select
    batch_item.state,
    batch_item.cause,
    count(*) as items,
from batch_item
where
    batch_item.batch_id = $id
    and batch_item.cause is not null
group by
    batch_item.state,
    batch_item.cause
order by
    items desc,
    batch_item.cause
