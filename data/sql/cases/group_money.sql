-- one row per group and currency: money at risk; a unit that is stuck in several flows counts once
with of_unit as (
    select
        group_of(exception_case.joined_group, exception_case.fingerprint) as id,
        exception_case.value_currency as currency,
        max(exception_case.value_amount) as amount,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and list_contains($groups::varchar[], group_of(exception_case.joined_group, exception_case.fingerprint))
        and list_contains($live::varchar[], exception_case.state)
        and exception_case.value_amount is not null
    group by
        group_of(exception_case.joined_group, exception_case.fingerprint),
        exception_case.value_currency,
        exception_case.tenant,
        exception_case.correlation_id
)

select
    of_unit.id,
    of_unit.currency,
    sum(of_unit.amount) as amount,
from of_unit
group by
    of_unit.id,
    of_unit.currency
order by
    of_unit.currency nulls last
