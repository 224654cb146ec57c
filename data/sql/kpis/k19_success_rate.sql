-- K19 Success rate
-- meaning: Share of finished units that ended in success.
-- group: outcome
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 2
-- floor: 20
-- splits: flow, {splits}
-- rows: units
-- counted: succeeded
-- rule: The period is that in which the unit came to its state: by its own signal, or by the proof of its last exception.
-- rule: The last signal decides: a failure that was recovered is a success, a success with an error after it is a failure.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: Units without a signal have not finished: they are shown as in flight and are not in the rate.
select
    period,
    key,
    100.0 * count(*) filter (where succeeded) / nullif(count(*) filter (where closed), 0) as value,
    count(*) filter (where closed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where succeeded) as succeeded,
    count(*) filter (where closed and not succeeded) as failed
from unit_in_period($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
