-- Money of figures: sums by currency, and which currency is shown.

-- money: one row per period and key of the rows in `amounts`, which names a step of the statement with the
-- columns period, key, part, counted, value_amount and value_currency. Rows that are not counted are in flight.
-- Currencies are never added: value and parts are in the currency that holds most value, by rough rates; among
-- those without a rate, of most units. The first period decides.
-- parts: the sum of each part; part_units: how many units it has, in any currency.
create or replace macro money(amounts) as table
with
amount as (
    select
        period,
        key,
        part,
        counted,
        coalesce(value_currency, case when value_amount is not null then 'no currency' end) as currency,
        count(*) as n,
        count(value_amount) as known,
        sum(value_amount) as total
    from query_table(amounts)
    group by
        period,
        key,
        part,
        counted,
        coalesce(value_currency, case when value_amount is not null then 'no currency' end)
),
main as (
    select
        first(
            currency
            order by worth_of_first desc nulls last, units_of_first desc, worth desc nulls last, units desc, currency
        ) as currency
    from (
        select
            currency,
            sum(rough_value(total, currency)) filter (where period = 1) as worth_of_first,
            coalesce(sum(n) filter (where period = 1), 0) as units_of_first,
            sum(rough_value(total, currency)) as worth,
            sum(n) as units
        from amount
        where
            counted
            and currency is not null
        group by currency
    ) as candidate
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
            sum(amount.n) filter (where amount.counted and amount.currency <> main.currency), 0
        )::bigint as in_others,
        coalesce(
            sum(amount.total) filter (where amount.counted and amount.currency = main.currency), 0
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
    listed.currencies
from summed
left join listed
    on
        summed.period = listed.period
        and summed.key is not distinct from listed.key;
