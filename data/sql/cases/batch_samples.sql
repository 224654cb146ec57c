-- one row per sample: the first items of a batch
select
    batch_item.case_id as id,
    batch_item.correlation_id,
    exception_case.title,
from batch_item
inner join exception_case on batch_item.case_id = exception_case.id
where
    batch_item.batch_id = $id
    and batch_item.state = 'waiting'
order by batch_item.place
limit $limit
