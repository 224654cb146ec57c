-- one row per item of a batch that is next
select
    batch_item.place,
    batch_item.case_id,
from batch_item
where
    batch_item.batch_id = $id
    and batch_item.state = 'waiting'
    and batch_item.place > $place
order by batch_item.place
limit $limit
