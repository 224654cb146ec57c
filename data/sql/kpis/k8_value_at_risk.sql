-- K8 Value at risk
-- meaning: Money that is carried by units with an open exception.
-- group: money
-- unit: money
-- better: down
-- grain: one row per period and split
-- version: 4
-- floor: 0
-- splits: class, flow, step, {splits}
-- rows: units_at_risk
-- counted: value_known
-- rule: As of the end of the period: the exception was opened before it and not ended by then.
-- rule: A unit is one correlation ID of a tenant and counts once, in however many flows it is stuck, with the highest value of its open exceptions, or its own value where they have none.
-- rule: Within one flow, and split by flow, it counts in each flow in which it is stuck.
-- rule: What happens later changes nothing, not even that it fails again.
-- rule: The highest value among several currencies is found by coarse rates. Its class is that of the exception with the highest value, its age that of the oldest one.
-- rule: Its own value is the highest that one of its flows names. An exception that only needs a look holds none and does not count.
-- rule: Amounts are added in the reporting currency, each at the rate of the end of the period, where all these rates are known; currencies without a rate are named.
-- rule: Otherwise currencies are never added: the figure is in the currency that holds most value, by coarse rates that serve for order only; the others are listed beside it.
-- rule: Coverage is the share of the units whose value is known, in any currency.
with
at_risk as (
    select
        period,
        key,
        age_band(opened_at, ends_at) as part,
        true as counted,
        value_amount,
        value_currency,
        ends_at as valued_at
    from unit_at_risk($starts, $ends, $scope, $flow, $by)
)
select
    * exclude (parts, part_units),
    coalesce(parts['under_1h'], 0) as under_1h,
    coalesce(parts['from_1h_to_4h'], 0) as from_1h_to_4h,
    coalesce(parts['from_4h_to_24h'], 0) as from_4h_to_24h,
    coalesce(parts['from_1d_to_7d'], 0) as from_1d_to_7d,
    coalesce(parts['over_7d'], 0) as over_7d
from money('at_risk', $zone::varchar)
