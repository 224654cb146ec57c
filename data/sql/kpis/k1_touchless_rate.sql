-- K1 Touchless rate
-- meaning: Share of completed units that no person had to touch.
-- group: outcome
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 3
-- floor: 20
-- splits: flow, {splits}
-- rows: units
-- counted: touchless
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: A touch is an act of a person that changes what becomes of the unit: retry, edit, decide, mark as fixed outside, or resolve as fixed upstream or data corrected, up to the unit's completion or the end of the exception.
-- rule: A step that a person carried out up to completion is a touch: unsnag.actor.type = human, what a mapping's human says, or the routing manual.
-- rule: Where no record ever named a person's step, the figure says that people's work outside is not seen.
-- rule: Claims, releases, notes, snoozing, assigning, merging and other ways to resolve are no touch, nor is what a service did.
-- rule: A unit is one correlation ID of a tenant and counts once, however many exceptions and retries it had. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: Units that failed are not in this figure; units that have not finished are shown as in flight.
select
    period,
    key,
    percent_where(not marked, completed) as value,
    count(*) filter (where completed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where completed and not marked) as touchless,
    count(*) filter (where completed and marked) as assisted,
    any_value((
        select count(*) > 0
        from unit as worked
        where
            worked.human_at is not null
            and in_scope(worked.tenant, worked.flow, $scope::varchar[])
            and ($flow::varchar is null or worked.flow = $flow)
    )) as outside_is_seen
from unit_touched($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
