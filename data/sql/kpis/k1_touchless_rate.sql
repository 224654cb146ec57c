-- K1 Touchless rate
-- meaning: Share of completed units that no person had to touch.
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
    100.0 * count(*) filter (where completed and not touched)
    / nullif(count(*) filter (where completed), 0) as value,
    count(*) filter (where completed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where completed and not touched) as touchless,
    count(*) filter (where completed and touched) as assisted,
    any_value((
        select count(*) > 0
        from unit as worked
        where
            worked.human_at is not null
            and in_scope(worked.tenant, worked.flow, $scope::varchar[])
            and ($flow::varchar is null or worked.flow = $flow)
    )) as outside_is_seen
from (
    select
        unit.period,
        unit.key,
        unit.completed,
        unit.in_flight,
        coalesce(touch.touched_at <= unit.closed_at, false) as touched
    from unit_in_period($starts, $ends, $scope, $flow, $by) as unit
    left join (
        select
            tenant,
            correlation_id,
            of_flow,
            min(touched_at) as touched_at
        from unit_touch($scope, $flow, $by)
        group by
            tenant,
            correlation_id,
            of_flow
    ) as touch
        on
            unit.correlation_id = touch.correlation_id
            and unit.of_tenant is not distinct from touch.tenant
            and unit.of_flow is not distinct from touch.of_flow
) as ended_unit
group by
    period,
    key
