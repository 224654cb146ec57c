-- K15 Service level: failures
-- meaning: Share of finished units that failed, and how much of what the objective allows is left.
-- group: outcome
-- unit: percent
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units_aimed
-- counted: failed
-- rule: The period is that in which the unit came to its state, as in K19. What is completed without proof is good here.
-- rule: An objective is that of a flow, so a unit counts in each flow that it entered, also over all flows.
-- rule: The objective is the most that may fail, in percent. The one that held at the end of the period counts; for periods before anybody had set one, the first. A flow without one of its own has that of all flows, if there is one.
-- rule: The second figure is the error budget that is left, in percent: 100 when nothing failed, 0 when as many failed as the objectives allow, less than 0 when more did. It is of flows with an objective only, and empty where none may fail.
-- rule: Units of flows without an objective are in the rate and in no budget; their number is shown.
-- rule: Units that have not finished are shown as in flight and are not in the rate.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
select
    period,
    key,
    percent_where(not completed, closed) as value,
    count(*) filter (where closed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where closed and not completed) as failed,
    -- decimals: the last digit of a sum of fractions would depend on the order of the rows
    sum((bound / 100)::decimal(38, 12)) filter (where closed)::double as allowed,
    100.0 - 100.0 * count(*) filter (where closed and not completed and bound is not null)
    / nullif(sum((bound / 100)::decimal(38, 12)) filter (where closed)::double, 0) as budget_left,
    count(*) filter (where closed and bound is null) as without_objective
from unit_aimed('K15', $starts, $ends, $scope, $flow, $by)
group by
    period,
    key
