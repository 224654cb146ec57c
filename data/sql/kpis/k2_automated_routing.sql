-- K2 Shift to automated routing
-- meaning: Units whose routing changed from people to automation.
-- group: outcome
-- unit: units
-- better: up
-- grain: one row per period and split
-- version: 2
-- floor: 0
-- splits: flow, {splits}
-- rows: units_shifted
-- counted: shifted
-- rule: The period is that of the change: a record of the unit says auto, automated or automatic, and the last one before it that named a routing stated manual.
-- rule: A change lies within one flow. A unit that changed in several, or several times in the period, counts once.
-- rule: The routing is what records say (unsnag.routing, or a mapping), in the order of their times.
-- rule: The second figure is the net shift, b: the share of automated units among those that finished in the period and of which a routing is known, less this share in the period before, times these units. It is empty where either period has none.
-- rule: A unit is automated that was so, in each of its flows, as it was stated last before its end.
-- rule: A unit is one correlation ID of a tenant and counts once. Within one flow, and split by flow, it counts in each flow in which it changed.
-- rule: In a split it has what any of its flows in the tenant states: segment, business unit.
-- rule: What happens later changes nothing. Units that are in flight count as soon as their routing changes.
with
shifted as (
    select
        period,
        split_key(
            $by, main.flow, null, null, null,
            main.{split},
        ) as key,
        count(*) as n
    from unit_shifted($starts, $ends, $scope, $flow, $by)
    group by all
),
routed as (
    select
        period,
        key,
        count(*) as routed,
        count(*) filter (where automated) as automated
    from unit_routed($starts, $ends, $scope, $flow, $by)
    group by
        period,
        key
),
counted as (
    select
        coalesce(shifted.period, routed.period) as period,
        coalesce(shifted.key, routed.key) as key,
        coalesce(shifted.n, 0) as n,
        coalesce(routed.routed, 0) as routed,
        100.0 * routed.automated / routed.routed as automated_share
    from shifted
    full join routed
        on
            shifted.period = routed.period
            and shifted.key is not distinct from routed.key
),
earlier as (
    -- the period before: of those that are asked for, the one that began last before it, the first named of equals
    select
        later.number,
        first(former.number order by former.starts_at desc, former.number) as before
    from period($starts, $ends) as later
    inner join period($starts, $ends) as former on former.starts_at < later.starts_at
    group by later.number
)
select
    counted.period,
    counted.key,
    counted.n::float8 as value,
    counted.n,
    0 as in_flight,
    counted.routed,
    counted.automated_share,
    (counted.automated_share - former.automated_share) / 100 * counted.routed as net_shift
from counted
left join earlier on counted.period = earlier.number
left join counted as former
    on
        earlier.before = former.period
        and counted.key is not distinct from former.key
