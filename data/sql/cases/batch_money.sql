-- one row per currency: money of the items of a batch in these states; a unit that is stuck in several flows counts once
-- recovered: only of units that have recovered since
with of_unit as (
    select
        batch_item.value_currency as currency,
        max(batch_item.value_amount) as amount,
    from batch_item
    left join exception_case on batch_item.case_id = exception_case.id
    where
        batch_item.batch_id = $id
        and in_scope(batch_item.tenant, batch_item.flow, $scope::varchar[])
        and list_contains($states::varchar[], batch_item.state)
        and batch_item.value_amount is not null
        and (not $recovered or exception_case.verified_at is not null)
    group by
        batch_item.value_currency,
        batch_item.tenant,
        batch_item.correlation_id
)

select
    of_unit.currency,
    sum(of_unit.amount) as amount,
from of_unit
group by of_unit.currency
order by of_unit.currency nulls last
