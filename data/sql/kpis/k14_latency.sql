-- K14 Service level: latency
-- meaning: Share of completed units that took no longer than the objective of their flow.
-- group: speed
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units_in_time
-- counted: in_time
-- rule: The period is that of the success, as in K6. The time runs from the unit's first record in the flow to its success there, waiting included.
-- rule: An objective is that of a flow, so a unit counts in each flow that it entered, also over all flows.
-- rule: The objective that held at the end of the period counts; for periods before anybody had set one, the first. A flow without one of its own has that of all flows, if there is one.
-- rule: Units of flows without an objective are in no rate; their number is shown.
-- rule: Units that failed are in K15 and not here; units that have not finished are shown as in flight, and overdue are those of them that are older than the objective.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
select
    period,
    key,
    percent_where(seconds <= bound, succeeded and bound is not null) as value,
    count(*) filter (where succeeded and bound is not null) as n,
    count(*) filter (where in_flight and bound is not null) as in_flight,
    count(*) filter (where in_flight and seconds > bound) as overdue,
    percentile_cont(0.5) within group (order by seconds) filter (where succeeded and bound is not null) as p50,
    percentile_cont(0.95) within group (order by seconds) filter (where succeeded and bound is not null) as p95,
    percentile_cont(0.99) within group (order by seconds) filter (where succeeded and bound is not null) as p99,
    count(*) filter (where succeeded and bound is null) as without_objective
from unit_aimed('K14', $starts, $ends, $scope, $flow, $by)
group by
    period,
    key
