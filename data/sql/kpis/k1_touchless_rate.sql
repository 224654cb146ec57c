-- K1 Touchless rate
-- meaning: Share of completed units that no person had to touch.
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 2
-- floor: 20
-- splits: flow, segment, tenant, business_unit
-- rows: units
-- counted: touchless
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: A touch is an act of a person that changes what becomes of the unit: retry, edit, decide, mark as fixed outside, or resolve as fixed upstream or data corrected; before or after completion.
-- rule: A step that a person carried out is a touch: unsnag.actor.type = human, what a mapping's human says, or the routing manual.
-- rule: Claims, releases, notes, snoozing, assigning, merging and other ways to resolve are no touch, nor is what a service did.
-- rule: A unit is one correlation ID in one flow and counts once, however many exceptions and retries it had.
-- rule: Units that failed are not in this figure; units that have not finished are shown as in flight.
with
periods as (
    select
        generate_subscripts($starts::timestamp[], 1) as period,
        unnest($starts::timestamp[]) as starts_at,
        unnest($ends::timestamp[]) as ends_at,
),
touched as (
    select distinct
        touch.correlation_id,
        touch.flow,
    from touch
    where in_scope(touch.tenant, touch.flow, $scope::varchar[])
),
units as (
    select
        unit.*,
        greatest(unit.completed_at, unit.failed_at) as closed_at,
        coalesce(unit.completed_at >= coalesce(unit.failed_at, unit.completed_at), false) as succeeded,
        touched.flow is null as untouched,
    from unit
    left join touched
        on
            unit.correlation_id = touched.correlation_id
            and unit.flow = touched.flow
    where
        unit.opened_at < list_max($ends::timestamp[])
        and unit.outcome is distinct from 'ended'
        and coalesce(closed_at >= list_min($starts::timestamp[]), true)
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
        and ($flow::varchar is null or unit.flow = $flow)
),
placed as (
    select
        periods.period,
        if($by::varchar is null, null, coalesce(
            case $by
                when 'flow' then units.flow
                when 'segment' then units.segment
                when 'tenant' then units.tenant
                when 'business_unit' then units.business_unit
            end,
            'not set'
        )) as key,
        coalesce(units.closed_at < periods.ends_at, false) as closed,
        closed and units.succeeded as completed,
        completed and units.untouched as touchless,
    from units
    inner join periods
        on
            units.opened_at < periods.ends_at
            and coalesce(units.closed_at, 'infinity'::timestamp) >= periods.starts_at
)
select
    period,
    key,
    100.0 * count_if(touchless) / nullif(count_if(completed), 0) as value,
    count_if(completed) as n,
    count_if(not closed) as in_flight,
    {
        'touchless': count_if(touchless),
        'assisted': count_if(completed and not touchless),
    } as details,
from placed
group by
    period,
    key
order by
    period,
    key
