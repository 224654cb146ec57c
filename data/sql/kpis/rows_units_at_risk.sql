-- one row per unit behind K8: those with an exception open at the end of the period, the most valuable first
with
cases as (
    select
        *,
        if(state in ('recovered', 'resolved', 'expired'), coalesce(verified_at, resolved_at), null) as closed_at,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and exception_case.note is distinct from 'needs a look'
        and ($flow::varchar is null or flow = $flow)
),
open_units as (
    select
        correlation_id,
        flow,
        count(*) as exceptions,
        min(opened_at) as opened_at,
        max(value_amount) as case_amount,
        -- the most valuable exception speaks for the unit; of equals, the oldest
        first(
            struct_pack(id := id, step := step, title := title, class := class, currency := value_currency)
            order by value_amount desc nulls last, opened_at, id
        ) as main,
    from cases
    where
        opened_at < $to
        and coalesce(closed_at >= $to, true)
    group by
        correlation_id,
        flow
)
select
    count(*) over () as total,
    open_units.correlation_id,
    open_units.flow,
    open_units.main.id as case_id,
    open_units.main.step as step,
    open_units.main.title as title,
    open_units.main.class as class,
    open_units.opened_at,
    greatest(epoch($to::timestamp - open_units.opened_at), 0) as seconds,
    open_units.exceptions,
    coalesce(open_units.case_amount, unit.value_amount) as value_amount,
    if(open_units.case_amount is null, unit.value_currency, open_units.main.currency) as value_currency,
    value_amount is not null as counted,
from open_units
left join unit
    on
        open_units.correlation_id = unit.correlation_id
        and open_units.flow = unit.flow
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
order by
    coalesce(open_units.case_amount, unit.value_amount) desc nulls last,
    open_units.opened_at,
    open_units.correlation_id,
    open_units.flow
limit $limit
offset $offset
