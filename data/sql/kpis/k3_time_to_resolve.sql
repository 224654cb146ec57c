-- K3 Median time to resolve
-- meaning: Median time from the failure that opened an exception to its end.
-- group: speed
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 2
-- floor: 20
-- splits: flow, class, step, {splits}
-- rows: cases_closed
-- counted: closed
-- rule: The period is that of the end: recovered at the unit's own success signal, or resolved by a person.
-- rule: An exception that was reopened counts again, from the failure that reopened it. What happens later changes nothing.
-- rule: The second figure is the Kaplan-Meier median: exceptions still open at the end of the period count with the age they have, so that a pile of old ones cannot make the figure look good. It is empty while less than half would have ended.
-- rule: Exceptions that expired are in neither: nobody resolved them. The second figure counts them with the age at which they expired.
-- rule: Exceptions still open at the end of the period are shown as in flight; they are not in the first figure.
with
resolving as (
    select
        period,
        key,
        seconds,
        still_open as in_flight,
        ended and not expired as counted
    from case_in_period($starts, $ends, $scope, $flow, $by)
    where
        still_open
        or ended
)
select * from times('resolving')
