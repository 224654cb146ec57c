-- K10 Value lost
-- meaning: Money of units whose last exception was written off, and which share was recovered instead.
-- group: money
-- unit: money
-- better: down
-- grain: one row per period and split
-- version: 2
-- floor: 0
-- splits: class, flow, step, {splits}
-- rows: units_lost
-- counted: value_known
-- rule: The period is that in which a person resolved the last exception of the unit as written off.
-- rule: A unit with another exception still open is still at risk and is shown as in flight. One that was written off before the period counts nothing again.
-- rule: A unit is one correlation ID of a tenant and counts once, in however many flows it was stuck, with the highest value of its exceptions that were written off, or its own value where they have none.
-- rule: Within one flow, and split by flow, it counts in each flow in which it was stuck.
-- rule: What happens later changes nothing.
-- rule: The recovery rate is what was recovered, as in K9, divided by that and what was lost. It is empty where the two are in different currencies.
-- rule: Deadlines after which a value is lost are not known: nobody can state them yet.
-- rule: Its own value is the highest that one of its flows names. An exception that only needs a look holds none and does not count.
-- rule: Amounts are added in the reporting currency, each at the rate of the day on which it ended, where all these rates are known; currencies without a rate are named.
-- rule: Otherwise currencies are never added: the figure is in the currency that holds most value, by coarse rates that serve for order only; the others are listed beside it.
-- rule: Where nothing that was lost has a known value, the figure is in the currency of what was recovered.
-- rule: Coverage is the share of the units whose value is known, in any currency.
with
lost as (
    select
        period,
        key,
        'lost' as part,
        counted,
        value_amount,
        value_currency,
        closed_at as valued_at
    from unit_lost($starts, $ends, $scope, $flow, $by)
),
saved as (
    select
        period,
        key,
        'saved' as part,
        counted,
        value_amount,
        value_currency,
        closed_at as valued_at
    from unit_recovered($starts, $ends, $scope, $flow, $by)
),
both_sides as (
    select
        coalesce(gone.period, kept.period) as period,
        coalesce(gone.key, kept.key) as key,
        gone.* exclude (period, key, parts, part_units, currency),
        coalesce(gone.currency, kept.currency) as currency,
        case when coalesce(gone.currency = kept.currency, true) then coalesce(kept.value, 0) end as recovered,
        coalesce(kept.n, 0) as recovered_n
    from money('lost', $zone::varchar) as gone
    full join money('saved', $zone::varchar) as kept
        on
            gone.period = kept.period
            and gone.key is not distinct from kept.key
)
select
    * replace (coalesce(value, 0) as value, coalesce(n, 0) as n, coalesce(in_flight, 0) as in_flight),
    100.0 * (recovered / nullif(recovered + coalesce(value, 0), 0)) as recovery_rate
from both_sides
