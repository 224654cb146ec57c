-- K3 Median time to resolve
-- meaning: Median time from the failure that opened an exception to its end.
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 2
-- floor: 20
-- splits: flow, class, {splits}
-- rows: cases_closed
-- counted: closed
-- rule: The period is that of the end: recovered at the unit's own success signal, or resolved by a person.
-- rule: An exception that was reopened counts again, from the failure that reopened it. What happens later changes nothing.
-- rule: The second figure is the Kaplan-Meier median: exceptions still open at the end of the period count with the age they have, so that a pile of old ones cannot make the figure look good. It is empty while less than half would have ended.
-- rule: Exceptions that expired are in neither: nobody resolved them. The second figure counts them with the age at which they expired.
-- rule: Exceptions still open at the end of the period are shown as in flight; they are not in the first figure.
with
cases as (
    select
        period,
        key,
        seconds,
        still_open,
        ended and not expired as resolved
    from case_in_period($starts, $ends, $scope, $flow, $by)
    where
        still_open
        or ended
),
ages as (
    select
        period,
        key,
        seconds,
        count(*) filter (where resolved) as ended,
        count(*) as leaving
    from cases
    group by
        period,
        key,
        seconds
),
risk as (
    select
        *,
        sum(leaving) over (partition by period, key order by seconds desc) as at_risk
    from ages
),
survival as (
    select
        *,
        product(1.0 - ended / at_risk) over (partition by period, key order by seconds) as still_open
    from risk
),
half as (
    select
        period,
        key,
        -- 1e-9: an exact half must not be missed by a rounding error
        min(seconds) filter (where still_open <= 0.5 + 1e-9) as median_with_open
    from survival
    group by
        period,
        key
),
ended as (
    select
        period,
        key,
        percentile_cont(0.5) within group (order by seconds) filter (where resolved) as value,
        percentile_cont(0.9) within group (order by seconds) filter (where resolved) as p90,
        count(*) filter (where resolved) as n,
        count(*) filter (where still_open) as in_flight
    from cases
    group by
        period,
        key
)
select
    ended.period,
    ended.key,
    value,
    n,
    in_flight,
    p90,
    median_with_open
from ended
inner join half
    on
        ended.period = half.period
        and ended.key is not distinct from half.key
