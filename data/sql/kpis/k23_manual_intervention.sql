-- K23 Manual intervention rate
-- meaning: Share of completed units that a person had to touch because of an exception.
-- group: exceptions
-- unit: percent
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units
-- counted: intervened
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: What is a touch is as K1 says. Here only those count that lie between the failure and the end of an exception of the unit: acts in the exception center, and steps that a person carried out in whatever tool.
-- rule: Work that people do on every unit, exception or not, is in K1 and not here.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: Units that failed are not in this figure; units that have not finished are shown as in flight.
with
intervention as (
    select * from unit_intervention($scope, $flow, $by)
)
select
    period,
    key,
    percent_where(marked, completed) as value,
    count(*) filter (where completed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where completed and marked) as intervened
from unit_marked('intervention', $starts, $ends, $scope, $flow, $by)
group by
    period,
    key
