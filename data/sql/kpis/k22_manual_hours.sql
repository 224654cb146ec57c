-- K22 Manual intervention time
-- meaning: Time that people worked on exceptions in the period, all together.
-- group: exceptions
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: flow, class, step, {splits}
-- rows: cases_worked
-- counted: worked
-- rule: The period is that of the work itself, cut at its edges, also where the exception ends later. n is the number of exceptions worked on.
-- rule: Work is time under a claim, as in K18: at most ten minutes after each act, what is longer counts as idle.
-- rule: Steps that people carry out in other tools are not in it: no record states how long they took. Nor are approvals: nobody claims one, so that only the question and the answer have a time, and between them the automation waits.
-- rule: An exception that was closed by its own script is not in it.
-- rule: What happens later changes nothing.
select
    period,
    key,
    round(sum(seconds), 3) as value,
    count(*) as n,
    0 as in_flight,
    sum(stretches)::bigint as stretches
from case_worked($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
