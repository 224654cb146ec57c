-- K20 Throughput
-- meaning: Units that were completed.
-- group: speed
-- unit: units
-- better: up
-- grain: one row per period and split
-- version: 3
-- floor: 0
-- splits: flow, {splits}
-- rows: units
-- counted: completed
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: The peak is the most units that were completed within one clock hour of the business time zone.
-- rule: Units that have not finished are shown as in flight.
select
    period,
    key,
    sum(completed)::float8 as value,
    sum(completed)::bigint as n,
    sum(in_flight)::bigint as in_flight,
    max(completed) as peak_per_hour
from (
    select
        period,
        key,
        sum(completed)::bigint as completed,
        sum(in_flight)::bigint as in_flight
    from (
        select
            period,
            key,
            -- hours of every zone begin at a full quarter of one
            time_bucket(interval '15 minutes', closed_at) as quarter,
            count(*) filter (where completed) as completed,
            count(*) filter (where in_flight) as in_flight
        from unit_in_period($starts, $ends, $scope, $flow, $by)
        group by
            period,
            key,
            time_bucket(interval '15 minutes', closed_at)
    ) as quarter_hour
    group by
        period,
        key,
        clock_hour(quarter, $zone)
) as hour
group by
    period,
    key
