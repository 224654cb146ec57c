-- K4 Median time to claim
-- meaning: Median time from the failure that opened an exception until a person took it up.
-- group: speed
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, class, step, {splits}
-- rows: cases_claimed
-- counted: claimed
-- rule: The period is that of the first claim. A retry, an edit, a decision, a mark as fixed outside, or a resolution is one where nobody claimed it before.
-- rule: An exception that was reopened counts again, from the failure that reopened it. What happens later changes nothing.
-- rule: The second figure is the Kaplan-Meier median: those that nobody took up, whether they are still open or ended by themselves, count with the age they have. It is empty while less than half would have been claimed.
-- rule: Exceptions that are open at the end of the period and that nobody took up are shown as in flight; they are not in the first figure.
with
claiming as (
    select
        period,
        key,
        seconds,
        counted,
        in_flight
    from case_claimed($starts, $ends, $scope, $flow, $by)
)
select * from times('claiming')
