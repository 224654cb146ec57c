-- K6 Median time to fulfil
-- meaning: Median time from a unit's first record to its success.
-- group: speed
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: {splits}, flow
-- rows: units_fulfilled
-- counted: succeeded
-- rule: The period is that of the success: the unit's own signal, or the proof of its last exception.
-- rule: The time runs from the first record of the unit in any of its flows, waiting included. Working time apart from waiting is not known.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: The second figure is the Kaplan-Meier median: units in flight at the end of the period, and those that did not succeed, count with the age they have.
with
fulfilling as (
    select
        period,
        key,
        succeeded as counted,
        in_flight,
        greatest(epoch(coalesce(closed_at, ends_at) - opened_at), 0) as seconds
    from unit_in_period($starts, $ends, $scope, $flow, $by)
)
select * from times('fulfilling')
