-- one row per state: where the exceptions stand now on which a batch has acted; null: merged or withdrawn since
select
    exception_case.state,
    count(*) as cases,
from batch_item
left join exception_case
    on
        batch_item.case_id = exception_case.id
        and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
where
    batch_item.batch_id = $id
    and batch_item.state = 'done'
group by exception_case.state
