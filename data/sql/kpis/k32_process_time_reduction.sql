-- K32 Process-time reduction
-- meaning: How much less time units took than in the baseline, segment by segment.
-- group: speed
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units_fulfilled
-- counted: succeeded
-- rule: Times are those of K6: medians of the units that succeeded in the period, and of those that did in the baseline.
-- rule: The same mix: each segment has its medians, and both sums weigh them by the units of the period. A segment that the baseline does not have is in neither sum.
-- rule: 100 less the share of the baseline's time that the period took. Below zero it took longer.
-- rule: The baseline has a name and two dates and is set for all flows or for one; the latest counts for every period, also for earlier ones. Without one there is no figure.
-- rule: A unit counts as in K6; those that have not finished are shown as in flight.
with
finished as (
    select *
    from unit_in_period($starts, $ends, $scope, $flow, $by)
    union all by name
    select * replace (period + len($starts::timestamp[]) as period)
    from unit_of_periods([$baseline_start::timestamp], [$baseline_end::timestamp], $scope, $flow, $by)
),
fulfilled as (
    select
        period,
        key,
        split_key(
            $mix, flow, null, null, null,
            {split},
        ) as part,
        succeeded,
        in_flight,
        greatest(epoch(closed_at - opened_at), 0) as seconds
    from finished
),
median as (
    select
        period,
        key,
        part,
        median(seconds) filter (where succeeded) as seconds,
        count(*) filter (where succeeded) as n,
        count(*) filter (where in_flight) as in_flight
    from fulfilled
    group by
        period,
        key,
        part
),
compared as (
    select
        own.period,
        own.key,
        own.n,
        own.in_flight,
        own.n * own.seconds as took,
        case when own.n > 0 then own.n * base.seconds end as would_take,
        case when own.n > 0 then base.n end as base_n
    from median as own
    left join median as base
        on
            base.period = len($starts::timestamp[]) + 1
            and own.key is not distinct from base.key
            and own.part is not distinct from base.part
    where own.period <= len($starts::timestamp[])
)
select
    period,
    key,
    -- rounded: sums of numbers with fractions differ in their last digits by the order of the rows
    round(100.0 - 100.0 * sum(took) filter (where would_take is not null) / nullif(sum(would_take), 0), 9) as value,
    sum(n)::bigint as n,
    sum(in_flight)::bigint as in_flight,
    coalesce(sum(n) filter (where would_take is not null), 0)::bigint as compared,
    coalesce(sum(base_n), 0)::bigint as baseline_n,
    round(sum(would_take) / nullif(sum(n) filter (where would_take is not null), 0), 6) as baseline_seconds
from compared
group by
    period,
    key
