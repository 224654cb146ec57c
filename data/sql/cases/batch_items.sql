-- one row per exception of a batch within the scope, with where it stands now
with chosen as (
    select batch_item.*
    from batch_item
    where
        batch_item.batch_id = $id
        and (batch_item.flow is null or in_scope(batch_item.tenant, batch_item.flow, $scope::varchar[]))
        and ($states::varchar[] is null or list_contains($states::varchar[], batch_item.state))
),

part as (
    select chosen.*
    from chosen
    where chosen.place > $place
    order by chosen.place
    limit $limit
)

select
    part.place,
    part.case_id,
    part.state,
    part.cause,
    part.detail,
    part.act,
    part.finished_at,
    part.flow,
    part.correlation_id,
    exception_case.title,
    exception_case.state as case_state,
    (select count(*) from chosen) as total,
from part
left join exception_case on part.case_id = exception_case.id
order by part.place
