-- K19 Success rate
-- meaning: Share of finished units that ended in success.
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, segment, tenant, business_unit
-- rows: units
-- counted: succeeded
-- rule: The period is that of the unit's last signal, success or failure.
-- rule: The last signal decides: a failure that was recovered is a success, a success with an error after it is a failure.
-- rule: A unit is one correlation ID in one flow and counts once, however many attempts it took.
-- rule: Units without a signal have not finished: they are shown as in flight and are not in the rate.
with
periods as (
    select
        generate_subscripts($starts::timestamp[], 1) as period,
        unnest($starts::timestamp[]) as starts_at,
        unnest($ends::timestamp[]) as ends_at,
),
units as (
    select
        unit.*,
        greatest(unit.completed_at, unit.failed_at) as closed_at,
        coalesce(unit.completed_at >= coalesce(unit.failed_at, unit.completed_at), false)
        and unit.outcome is distinct from 'completed_unproven' as succeeded,
    from unit
    where
        unit.opened_at < list_max($ends::timestamp[])
    and unit.outcome is distinct from 'ended'
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
    from units
    inner join periods
        on
            units.opened_at < periods.ends_at
            and coalesce(units.closed_at, 'infinity'::timestamp) >= periods.starts_at
)
select
    period,
    key,
    100.0 * count_if(completed) / nullif(count_if(closed), 0) as value,
    count_if(closed) as n,
    count_if(not closed) as in_flight,
    {
        'succeeded': count_if(completed),
        'failed': count_if(closed and not completed),
    } as details,
from placed
group by
    period,
    key
order by
    period,
    key
