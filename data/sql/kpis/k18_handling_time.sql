-- K18 Handling time
-- meaning: Median time that people worked on an exception, until it ended.
-- group: exceptions
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, class, step, {splits}
-- rows: cases_handled
-- counted: handled
-- rule: The period is that of the exception's end. An exception that was reopened counts again.
-- rule: Work is time under a claim: from each act of a person that leaves the exception claimed until the next act of anyone, and at most ten minutes. What is longer counts as idle.
-- rule: Time in which a retry runs or waits for its proof is no work. Nor is work in other tools, which is not seen.
-- rule: Exceptions that nobody claimed are not in this figure. Those that somebody claimed and that are open at the end of the period are shown as in flight.
-- rule: What happens later changes nothing.
with
handling as (
    select
        period,
        key,
        seconds,
        counted,
        in_flight
    from case_handled($starts, $ends, $scope, $flow, $by)
),
total as (
    select
        period,
        key,
        round(sum(seconds) filter (where counted), 3) as total_seconds
    from handling
    group by
        period,
        key
)
select
    figure.* exclude (median_with_open),
    total.total_seconds
from times('handling') as figure
inner join total
    on
        figure.period = total.period
        and figure.key is not distinct from total.key
