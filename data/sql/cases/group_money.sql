-- one row per group and currency: money at risk, of its own exceptions and with those of other groups that come from
-- them; a unit that is stuck in several flows counts once
with stuck as (
    select
        group_of(exception_case.joined_group, exception_case.fingerprint) as id,
        true as is_own,
        exception_case.tenant,
        exception_case.correlation_id,
        exception_case.value_currency,
        exception_case.value_amount,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and list_contains($groups::varchar[], group_of(exception_case.joined_group, exception_case.fingerprint))
        and list_contains($live::varchar[], exception_case.state)
        and exception_case.value_amount is not null
    union all
    select
        victim.root_group,
        false,
        exception_case.tenant,
        exception_case.correlation_id,
        exception_case.value_currency,
        exception_case.value_amount,
    from victim_case($scope, $live) as victim
    inner join exception_case
        on victim.id = exception_case.id
    where
        victim.root_is_live
        and list_contains($groups::varchar[], victim.root_group)
        and exception_case.value_amount is not null
),

of_unit as (
    select
        stuck.id,
        stuck.value_currency as currency,
        max(stuck.value_amount) filter (where stuck.is_own) as own,
        max(stuck.value_amount) as amount,
    from stuck
    group by
        stuck.id,
        stuck.value_currency,
        stuck.tenant,
        stuck.correlation_id
)

select
    of_unit.id,
    of_unit.currency,
    sum(of_unit.own) as own,
    sum(of_unit.amount) as amount,
from of_unit
group by
    of_unit.id,
    of_unit.currency
order by
    of_unit.currency nulls last
