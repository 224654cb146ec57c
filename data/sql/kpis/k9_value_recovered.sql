-- K9 Value recovered
-- meaning: Money of units that were stuck and were proven recovered by their own success signal.
-- unit: money
-- better: up
-- grain: one row per period and split
-- version: 2
-- floor: 0
-- splits: recovered_by, class, flow, segment, tenant, business_unit
-- rows: units_recovered
-- counted: value_known
-- rule: The period is that of the proof: the success signal that ended the unit's last exception.
-- rule: Only proven recoveries count. A step that ran again without the unit's own success signal does not, nor does a unit whose last exception was closed by hand.
-- rule: An exception that a person resolved as fixed upstream or data corrected counts once a later success of the unit has verified it.
-- rule: A unit is one correlation ID in one flow and counts once, with the highest value of its recovered exceptions, or its own value where they have none.
-- rule: A unit with another exception still open is still at risk and is shown as in flight.
-- rule: Automatic recoveries and those by people are separate series. By people is an exception that a person retried, edited, decided, marked as fixed outside, or resolved as fixed upstream or data corrected; a claim alone is not, nor is a retry that a service asked for. A unit of which one exception was by people is by people.
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
stuck_units as (
    select
        correlation_id,
        flow,
        max(closed_at) as closed_at,
        arg_max(proven, closed_at) as recovered,
        min(opened_at) as opened_at,
        bool_or(proven and people_at is not null) as by_people,
        max(value_amount) filter (where proven) as case_amount,
        -- the most valuable recovered exception speaks for the unit; of equals, the oldest
        first(
            struct_pack(
                class := class,
                segment := segment,
                tenant := tenant,
                business_unit := business_unit,
                currency := if(value_amount is null, null, value_currency)
            )
            order by proven desc, value_amount desc nulls last, opened_at, id
        ) as main,
    from cases
    group by
        correlation_id,
        flow
),
placed as (
    select
        periods.period,
        stuck_units.by_people,
        stuck_units.closed_at >= periods.ends_at as in_flight,
        coalesce(stuck_units.case_amount, unit.value_amount) as amount,
        coalesce(
            if(stuck_units.case_amount is null, unit.value_currency, stuck_units.main.currency),
            if(amount is null, null, 'no currency')
        ) as currency,
        if($by::varchar is null, null, coalesce(
            case $by
                when 'recovered_by' then if(stuck_units.by_people, 'people', 'automatic')
                when 'class' then stuck_units.main.class
                when 'flow' then stuck_units.flow
                when 'segment' then stuck_units.main.segment
                when 'tenant' then stuck_units.main.tenant
                when 'business_unit' then stuck_units.main.business_unit
            end,
            'not set'
        )) as key,
    from stuck_units
    inner join periods
        on
            stuck_units.opened_at < periods.ends_at
            and stuck_units.closed_at >= periods.starts_at
            and (stuck_units.recovered or stuck_units.closed_at >= periods.ends_at)
    left join unit
        on
            stuck_units.correlation_id = unit.correlation_id
            and stuck_units.flow = unit.flow
            and in_scope(unit.tenant, unit.flow, $scope::varchar[])
),
recovered as (
    select * from placed
    where not in_flight
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
        from recovered
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
        from recovered
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
        placed.period,
        placed.key,
        main_currency.code,
        count_if(not placed.in_flight) as n,
        count_if(placed.in_flight) as in_flight,
        count(placed.amount) filter (where not placed.in_flight) as known,
        count(*) filter (where not placed.in_flight and placed.currency <> main_currency.code) as in_others,
        count_if(not placed.in_flight and not placed.by_people) as automatic_n,
        count_if(not placed.in_flight and placed.by_people) as people_n,
        coalesce(sum(placed.amount) filter (
            where not placed.in_flight and placed.currency = main_currency.code and not placed.by_people
        ), 0) as automatic,
        coalesce(sum(placed.amount) filter (
            where not placed.in_flight and placed.currency = main_currency.code and placed.by_people
        ), 0) as people,
    from placed
    cross join main_currency
    group by
        placed.period,
        placed.key,
        main_currency.code
)
select
    summed.period,
    summed.key,
    summed.automatic + summed.people as value,
    summed.n,
    summed.in_flight,
    {
        'currency': summed.code,
        'coverage': 100.0 * summed.known / nullif(summed.n, 0),
        'units_in_other_currencies': summed.in_others,
        'currencies': currencies.amounts,
        'automatic': summed.automatic,
        'automatic_n': summed.automatic_n,
        'people': summed.people,
        'people_n': summed.people_n,
    } as details,
from summed
left join currencies
    on
        summed.period = currencies.period
        and summed.key is not distinct from currencies.key
order by
    summed.period,
    summed.key
