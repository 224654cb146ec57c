-- one row per exception of a batch within the scope, with where it stands now
with chosen as (
    select batch_item.*
    from batch_item
    where
        batch_item.batch_id = $id
        and (batch_item.flow is null or in_scope(batch_item.tenant, batch_item.flow, $scope::varchar[]))
        and ($states::varchar[] is null or list_contains($states::varchar[], batch_item.state))
)

select
    chosen.place,
    chosen.case_id,
    chosen.state,
    chosen.cause,
    chosen.detail,
    chosen.act,
    chosen.finished_at,
    chosen.flow,
    chosen.correlation_id,
    exception_case.title,
    exception_case.state as case_state,
    (select count(*) from chosen) as total,
from chosen
left join exception_case on chosen.case_id = exception_case.id
where chosen.place > $place
order by chosen.place
limit $limit
