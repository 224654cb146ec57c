-- one row per unit behind K9: those proven recovered in the period, the most valuable first
with
cases as (
    select
        *,
        case
            when state in ('recovered', 'resolved', 'expired') then coalesce(verified_at, resolved_at)
            else 'infinity'::timestamp
        end as closed_at,
        state in ('recovered', 'resolved') and verified_at is not null as proven,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
        and ($flow::varchar is null or flow = $flow)
),
recovered as (
    select
        correlation_id,
        flow,
        count(*) as exceptions,
        min(opened_at) as opened_at,
        max(closed_at) as recovered_at,
        bool_or(proven and people_at is not null) as by_people,
        max(value_amount) filter (where proven) as case_amount,
        -- the most valuable recovered exception speaks for the unit; of equals, the oldest
        first(
            struct_pack(id := id, step := step, title := title, class := class, currency := value_currency)
            order by proven desc, value_amount desc nulls last, opened_at, id
        ) as main,
    from cases
    group by
        correlation_id,
        flow
    having
        arg_max(proven, closed_at)
        and recovered_at >= $from
        and recovered_at < $to
)
select
    count(*) over () as total,
    recovered.correlation_id,
    recovered.flow,
    recovered.main.id as case_id,
    recovered.main.step as step,
    recovered.main.title as title,
    recovered.main.class as class,
    recovered.opened_at,
    recovered.recovered_at as closed_at,
    if(recovered.by_people, 'people', 'automatic') as recovered_by,
    recovered.exceptions,
    coalesce(recovered.case_amount, unit.value_amount) as value_amount,
    if(recovered.case_amount is null, unit.value_currency, recovered.main.currency) as value_currency,
    value_amount is not null as counted,
from recovered
left join unit
    on
        recovered.correlation_id = unit.correlation_id
        and recovered.flow = unit.flow
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
order by
    coalesce(recovered.case_amount, unit.value_amount) desc nulls last,
    recovered.recovered_at desc,
    recovered.correlation_id,
    recovered.flow
limit $limit
offset $offset
