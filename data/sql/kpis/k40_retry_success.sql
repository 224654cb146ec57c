-- K40 Retry success rate
-- meaning: Share of retried units that ended in success.
-- group: exceptions
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units_retried
-- counted: succeeded
-- rule: The period is that in which the unit came to its state, as in K19.
-- rule: A unit was retried if a step of it was tried more than once up to that moment: by its own code, by a framework, or because somebody asked for it.
-- rule: By people is a unit for which somebody asked for a retry that ran, also where its own code retried before; all others are automatic.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: Retries after a business error are counted in K5: they end the same way unless something has changed.
-- rule: Units that have not finished are not in the rate; retried ones are shown as in flight.
select
    period,
    key,
    percent_where(succeeded, marked) as value,
    count(*) filter (where marked) as n,
    count(*) filter (where waiting) as in_flight,
    percent_where(succeeded, marked and not special) as automatic,
    count(*) filter (where marked and not special) as automatic_n,
    percent_where(succeeded, special) as people,
    count(*) filter (where special) as people_n
from unit_retried($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
