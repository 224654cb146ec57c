-- K12 Escalation rate
-- meaning: Share of opened exceptions that were escalated.
-- group: exceptions
-- unit: percent
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, class, step, {splits}
-- rows: cases_escalated
-- counted: escalated
-- rule: The period is that of the failure that opened the exception. One that was reopened counts again, from the failure that reopened it.
-- rule: It counts once however often it was escalated, up to the end of the period. What happens later changes nothing.
-- rule: By time: because a due time was missed. By people: with a reason. An exception can be both.
-- rule: Exceptions that are open at the end of the period and were not escalated are shown as in flight; they are in the figure.
select
    period,
    key,
    percent_where(escalated, true) as value,
    count(*) as n,
    count(*) filter (where still_open and not escalated) as in_flight,
    count(*) filter (where by_time) as by_time,
    count(*) filter (where by_people) as by_people
from case_escalated($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
