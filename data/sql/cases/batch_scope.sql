-- one row: what the list of a batch reaches
select
    count(*) filter (where batch_item.state = 'waiting') as total,
    count(*) filter (where batch_item.state = 'left_out') as left_out,
    coalesce(
        list_sort(list(distinct batch_item.flow) filter (where batch_item.state = 'waiting')), []
    ) as flows,
    min(exception_case.opened_at) filter (where batch_item.state = 'waiting') as oldest,
from batch_item
left join exception_case on batch_item.case_id = exception_case.id
where batch_item.batch_id = $id
