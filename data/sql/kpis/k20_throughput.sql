-- K20 Throughput
-- meaning: Units that were completed.
-- unit: units
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: flow, segment, tenant, business_unit
-- rows: units
-- counted: completed
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: A unit is one correlation ID in one flow and counts once, however many attempts it took.
-- rule: The peak is the most units that were completed within one clock hour.
-- rule: Units that have not finished are shown as in flight.
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
        coalesce(unit.completed_at >= coalesce(unit.failed_at, unit.completed_at), false) as succeeded,
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
        date_trunc('hour', units.closed_at) as hour,
        coalesce(units.closed_at < periods.ends_at, false) as closed,
        closed and units.succeeded as completed,
    from units
    inner join periods
        on
            units.opened_at < periods.ends_at
            and coalesce(units.closed_at, 'infinity'::timestamp) >= periods.starts_at
),
hours as (
    select
        period,
        key,
        count_if(completed) as completed,
        count_if(not closed) as in_flight,
    from placed
    group by
        period,
        key,
        hour
)
select
    period,
    key,
    sum(completed)::double as value,
    sum(completed)::bigint as n,
    sum(in_flight)::bigint as in_flight,
    {
        'peak_per_hour': max(completed),
    } as details,
from hours
group by
    period,
    key
order by
    period,
    key
