-- K43 Audit completeness
-- meaning: Share of finished units of which the store can answer who, what, how and why, and who approved.
-- group: data
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 4
-- floor: 20
-- splits: flow, {splits}
-- rows: units_answered
-- counted: all_answered
-- rule: The period is that in which the unit came to its state, as in K19.
-- rule: Who: a signal of the unit names the program or part that ended it. What: its value is known, or a field of its context by which figures are split, from a flow of it that began before its end. Which steps: at least one attempt of a step is known. Why: no exception of it ended without a reason; those that expired did. Approvals: each that was asked for up to the unit's end was approved or rejected; one that closed without an answer was not.
-- rule: Steps and signals of another tenant that has the same ID answer nothing, nor does a flow that the reader may not see.
-- rule: What was known up to the unit's end counts, of exceptions and of decisions up to the end of the period. When a flow began is known, when a field was first named is not.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: A unit that nobody was asked about has no approval to miss: its answer counts as known. Whether the audit itself is whole is on the page Audit.
-- rule: Units that have not finished are not in the rate; they are shown as in flight.
select
    period,
    key,
    percent_where(who and what and steps and why and approvals, closed) as value,
    count(*) filter (where closed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where closed and who) as who,
    count(*) filter (where closed and what) as what,
    count(*) filter (where closed and steps) as steps,
    count(*) filter (where closed and why) as why,
    count(*) filter (where closed and approvals) as approvals
from unit_answered($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
