-- Money of figures: sums by currency, and which currency is shown.

-- chosen_currency: in which currency money is reported; null where nobody chose one
create or replace macro chosen_currency() as (
    select arg_max(coalesce(reporting_currency.currency, ''), reporting_currency.set_at)
    from reporting_currency
);

-- rate_leg: one row per currency, counterpart and day from which a rate holds; a currency is worth itself
create or replace macro rate_leg() as table
select
    currency_rate.currency,
    currency_rate.against,
    currency_rate.valid_from,
    arg_max(currency_rate.rate, currency_rate.set_at) as rate
from currency_rate
group by
    currency_rate.currency,
    currency_rate.against,
    currency_rate.valid_from
union all
select distinct
    currency_rate.against,
    currency_rate.against,
    date '0001-01-01',
    1.0
from currency_rate;

-- rate_of_day: one row per currency and day of the rows in `wanted` (a step with both) for which the rate into the
-- reporting currency is known: directly, the other way round, or by a third currency in which both have one.
create or replace macro rate_of_day(wanted) as table
with
counterpart as (
    select distinct
        wish.currency,
        wish.day,
        known.against,
        chosen_currency() as reporting
    from query_table(wanted) as wish
    cross join (select distinct against from currency_rate) as known
),
source as (
    select
        counterpart.*,
        leg.rate
    from counterpart
    asof join rate_leg() as leg
        on
            counterpart.currency = leg.currency
            and counterpart.against = leg.against
            and counterpart.day >= leg.valid_from
),
both_legs as (
    select
        source.currency,
        source.day,
        source.against,
        source.reporting,
        source.rate / leg.rate as rate
    from source
    asof join rate_leg() as leg
        on
            source.reporting = leg.currency
            and source.against = leg.against
            and source.day >= leg.valid_from
)
select
    currency,
    day,
    first(rate order by against <> reporting, against) as rate
from both_legs
group by
    currency,
    day;

-- money: one row per period and key of the rows in `amounts`, which names a step of the statement with the
-- columns period, key, part, counted, value_amount, value_currency and valued_at. Rows that are not counted are in flight.
-- Amounts are added in the reporting currency where each amount that is counted has a rate on the day of valued_at, in the business zone.
-- Where one has none, and without a reporting currency, currencies are not added: value and parts are in the currency
-- that holds most value, by rough rates; among those without a rate, of most units. The first period decides.
-- parts: the sum of each part; part_units: how many units it has, in any currency.
-- without_rate: the currencies, in any of the periods, that cannot be converted; null without a reporting currency.
create or replace macro money(amounts, zone) as table
with
given as (
    select
        period,
        key,
        part,
        counted,
        coalesce(value_currency, case when value_amount is not null then 'no currency' end) as currency,
        timezone(zone, timezone('UTC', valued_at))::date as day,
        count(*) as n,
        count(value_amount) as known,
        sum(value_amount) as total
    from query_table(amounts)
    group by all
),
wished as (
    select
        currency,
        day
    from given
    where
        counted
        and known > 0
),
amount as (
    select
        given.*,
        nullif(chosen_currency(), '') as reporting,
        case
            when given.known = 0 then 0
            when given.currency = chosen_currency() then given.total
            else round(given.total::double * day_rate.rate, 4)::decimal(38, 4)
        end as converted
    from given
    left join rate_of_day('wished') as day_rate
        on
            given.currency = day_rate.currency
            and given.day = day_rate.day
),
main as (
    select
        case when every_rate then any_reporting else biggest end as currency,
        coalesce(every_rate, false) as in_reporting,
        without_rate
    from (
        select
            first(
                currency
                order by
                    worth_of_first desc nulls last, units_of_first desc, worth desc nulls last, units desc, currency
            ) as biggest,
            any_value(reporting) as any_reporting,
            any_value(reporting) is not null and bool_and(has_rate) as every_rate,
            case when any_value(reporting) is not null then
                coalesce(list(currency order by currency) filter (where not has_rate), [])
            end as without_rate
        from (
            select
                currency,
                reporting,
                bool_and(converted is not null) as has_rate,
                sum(rough_value(total, currency)) filter (where period = 1) as worth_of_first,
                coalesce(sum(n) filter (where period = 1), 0) as units_of_first,
                sum(rough_value(total, currency)) as worth,
                sum(n) as units
            from amount
            where
                counted
                and currency is not null
            group by
                currency,
                reporting
        ) as candidate
    ) as chosen
),
listed as (
    select
        period,
        key,
        list({'currency': currency, 'amount': total, 'n': n} order by n desc, currency) as currencies
    from (
        select
            period,
            key,
            currency,
            sum(total) as total,
            sum(n)::bigint as n
        from amount
        where
            counted
            and currency is not null
        group by
            period,
            key,
            currency
    ) as by_currency
    group by
        period,
        key
),
part as (
    select
        amount.period,
        amount.key,
        amount.part,
        main.currency as main_currency,
        coalesce(sum(amount.n) filter (where amount.counted), 0)::bigint as n,
        coalesce(sum(amount.n) filter (where not amount.counted), 0)::bigint as in_flight,
        coalesce(sum(amount.known) filter (where amount.counted), 0)::bigint as known,
        coalesce(
            sum(amount.n) filter (
                where amount.counted and not main.in_reporting and amount.currency <> main.currency
            ), 0
        )::bigint as in_others,
        coalesce(
            sum(if(main.in_reporting, amount.converted, amount.total)) filter (
                where amount.counted and (main.in_reporting or amount.currency = main.currency)
            ), 0
        )::decimal(38, 4) as value
    from amount
    cross join main
    group by
        amount.period,
        amount.key,
        amount.part,
        main.currency
),
summed as (
    select
        period,
        key,
        main_currency as currency,
        sum(value) as value,
        sum(n)::bigint as n,
        sum(in_flight)::bigint as in_flight,
        100.0 * sum(known)::bigint / nullif(sum(n)::bigint, 0) as coverage,
        sum(in_others)::bigint as units_in_other_currencies,
        map_from_entries(list({'part': part, 'value': value} order by part)) as parts,
        map_from_entries(list({'part': part, 'n': n} order by part)) as part_units
    from part
    group by
        period,
        key,
        main_currency
)
select
    summed.*,
    listed.currencies,
    main.without_rate
from summed
cross join main
left join listed
    on
        summed.period = listed.period
        and summed.key is not distinct from listed.key;
