-- K8 Value at risk
-- meaning: Money that is carried by units with an open exception.
-- unit: money
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: class, flow, segment, tenant, business_unit
-- rows: units_at_risk
-- counted: value_known
-- rule: As of the end of the period: the exception was opened before it and not ended by then.
-- rule: A unit is one correlation ID in one flow and counts once, with the highest value of its open exceptions, or its own value where they have none.
-- rule: Its class is that of the exception with the highest value, its age that of the oldest one.
-- rule: Currencies are never added: the figure is in the currency of most units; the others are listed beside it.
-- rule: Coverage is the share of the units whose value is known, in any currency.
with
periods as (
    select
        generate_subscripts($starts::timestamp[], 1) as period,
        unnest($starts::timestamp[]) as starts_at,
        unnest($ends::timestamp[]) as ends_at,
),
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
        periods.period,
        periods.ends_at,
        cases.correlation_id,
        cases.flow,
        max(cases.value_amount) as case_amount,
        min(cases.opened_at) as oldest_at,
        -- the most valuable exception speaks for the unit; of equals, the oldest
        first(
            struct_pack(
                class := cases.class,
                segment := cases.segment,
                tenant := cases.tenant,
                business_unit := cases.business_unit,
                currency := if(cases.value_amount is null, null, cases.value_currency)
            )
            order by cases.value_amount desc nulls last, cases.opened_at, cases.id
        ) as main,
    from cases
    inner join periods
        on
            cases.opened_at < periods.ends_at
            and coalesce(cases.closed_at, 'infinity'::timestamp) >= periods.ends_at
    group by
        periods.period,
        periods.ends_at,
        cases.correlation_id,
        cases.flow
),
valued as (
    select
        open_units.period,
        open_units.ends_at - open_units.oldest_at as age,
        coalesce(open_units.case_amount, unit.value_amount) as amount,
        coalesce(
            if(open_units.case_amount is null, unit.value_currency, open_units.main.currency),
            if(amount is null, null, 'no currency')
        ) as currency,
        if($by::varchar is null, null, coalesce(
            case $by
                when 'class' then open_units.main.class
                when 'flow' then open_units.flow
                when 'segment' then open_units.main.segment
                when 'tenant' then open_units.main.tenant
                when 'business_unit' then open_units.main.business_unit
            end,
            'not set'
        )) as key,
    from open_units
    left join unit
        on
            open_units.correlation_id = unit.correlation_id
            and open_units.flow = unit.flow
            and in_scope(unit.tenant, unit.flow, $scope::varchar[])
),
main_currency as (
    -- the first period decides; the others are compared with it
    select
        first(currency order by units_of_first desc, units desc, currency) as code,
    from (
        select
            currency,
            count_if(period = 1) as units_of_first,
            count(*) as units,
        from valued
        where currency is not null
        group by currency
    )
),
currencies as (
    select
        period,
        key,
        list(struct_pack(currency := currency, amount := amount, n := n) order by n desc, currency) as amounts,
    from (
        select
            period,
            key,
            currency,
            sum(amount) as amount,
            count(*) as n,
        from valued
        where currency is not null
        group by
            period,
            key,
            currency
    )
    group by
        period,
        key
),
summed as (
    select
        valued.period,
        valued.key,
        main_currency.code,
        coalesce(sum(valued.amount) filter (where valued.currency = main_currency.code), 0) as value,
        count(*) as n,
        count(valued.amount) as known,
        count(*) filter (where valued.currency <> main_currency.code) as in_others,
        sum(valued.amount) filter (where valued.currency = main_currency.code and valued.age < interval 1 hour) as under_1h,
        sum(valued.amount) filter (
            where valued.currency = main_currency.code and valued.age >= interval 1 hour and valued.age < interval 4 hours
        ) as from_1h_to_4h,
        sum(valued.amount) filter (
            where valued.currency = main_currency.code and valued.age >= interval 4 hours and valued.age < interval 24 hours
        ) as from_4h_to_24h,
        sum(valued.amount) filter (
            where valued.currency = main_currency.code and valued.age >= interval 24 hours and valued.age < interval 168 hours
        ) as from_1d_to_7d,
        sum(valued.amount) filter (where valued.currency = main_currency.code and valued.age >= interval 168 hours) as over_7d,
    from valued
    cross join main_currency
    group by
        valued.period,
        valued.key,
        main_currency.code
)
select
    summed.period,
    summed.key,
    summed.value,
    summed.n,
    0 as in_flight,
    {
        'currency': summed.code,
        'coverage': 100.0 * summed.known / summed.n,
        'units_in_other_currencies': summed.in_others,
        'currencies': currencies.amounts,
        'under_1h': coalesce(summed.under_1h, 0),
        'from_1h_to_4h': coalesce(summed.from_1h_to_4h, 0),
        'from_4h_to_24h': coalesce(summed.from_4h_to_24h, 0),
        'from_1d_to_7d': coalesce(summed.from_1d_to_7d, 0),
        'over_7d': coalesce(summed.over_7d, 0),
    } as details,
from summed
left join currencies
    on
        summed.period = currencies.period
        and summed.key is not distinct from currencies.key
order by
    summed.period,
    summed.key
