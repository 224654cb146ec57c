-- Times of figures: how long things took that ended, and how long those take that did not end yet.

-- times: one row per period and key of the rows in `ages`, which names a step of the statement with the columns
-- period, key, seconds, counted and in_flight. value: the median of those that are counted.
-- median_with_open: the Kaplan-Meier median, in which all that are not counted are censored at their age; null
-- while less than half would have ended.
create or replace macro times(ages) as table
with
age as (
    select
        period,
        key,
        seconds,
        count(*) filter (where counted) as ended,
        count(*) as leaving
    from query_table(ages)
    group by
        period,
        key,
        seconds
),
risk as (
    select
        *,
        sum(leaving) over (partition by period, key order by seconds desc) as at_risk
    from age
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
figure as (
    select
        period,
        key,
        percentile_cont(0.5) within group (order by seconds) filter (where counted) as value,
        percentile_cont(0.9) within group (order by seconds) filter (where counted) as p90,
        count(*) filter (where counted) as n,
        count(*) filter (where in_flight) as in_flight
    from query_table(ages)
    group by
        period,
        key
)
select
    figure.period,
    figure.key,
    figure.value,
    figure.n,
    figure.in_flight,
    figure.p90,
    half.median_with_open
from figure
inner join half
    on
        figure.period = half.period
        and figure.key is not distinct from half.key;
