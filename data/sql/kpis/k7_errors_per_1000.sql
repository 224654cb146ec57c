-- K7 Errors per 1,000
-- meaning: Units with at least one error, per 1,000 units that finished.
-- unit: per 1,000
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: class, flow, segment, tenant, business_unit
-- rows: units
-- counted: with_error
-- rule: The period is that of the unit's last signal, success or failure.
-- rule: A unit has an error if a step failed, an error was recorded, or an exception was opened, even if it succeeded later.
-- rule: A unit counts once, however many errors it had; exceptions opened per 1,000 is the second figure.
-- rule: Its class is that of its latest exception, or of its latest failed attempt where there is none.
-- rule: In the split by class, all classes share the base, so that they add up; "none" are the units without an error.
-- rule: Units that have not finished are shown as in flight and are not in the rate.
with
periods as (
    select
        generate_subscripts($starts::timestamp[], 1) as period,
        unnest($starts::timestamp[]) as starts_at,
        unnest($ends::timestamp[]) as ends_at,
),
stuck as (
    select
        correlation_id,
        flow,
        count(*) as cases,
        arg_max(class, opened_at) as class,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
    group by
        correlation_id,
        flow
),
tried as (
    select
        correlation_id,
        flow,
        arg_max(error_class, ended_at) as class,
    from attempt
    where
        $by::varchar = 'class'
        and outcome = 'error'
        and error_class is not null
    group by
        correlation_id,
        flow
),
units as (
    select
        unit.*,
        greatest(unit.completed_at, unit.failed_at) as closed_at,
        unit.failed_attempts > 0 or unit.failed_at is not null or stuck.cases is not null as with_error,
        coalesce(stuck.cases, 0) as cases,
        if(with_error, coalesce(stuck.class, tried.class, 'unknown'), 'none') as class,
    from unit
    left join stuck
        on
            unit.correlation_id = stuck.correlation_id
            and unit.flow = stuck.flow
    left join tried
        on
            unit.correlation_id = tried.correlation_id
            and unit.flow = tried.flow
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
        coalesce(units.closed_at < periods.ends_at, false) as closed,
        units.with_error,
        units.cases,
        if($by::varchar is null, null, coalesce(
            case $by
                when 'flow' then units.flow
                when 'segment' then units.segment
                when 'tenant' then units.tenant
                when 'business_unit' then units.business_unit
                when 'class' then units.class
            end,
            'not set'
        )) as key,
    from units
    inner join periods
        on
            units.opened_at < periods.ends_at
            and coalesce(units.closed_at, 'infinity'::timestamp) >= periods.starts_at
),
counted as (
    select
        period,
        key,
        count_if(closed) as n,
        count_if(not closed) as in_flight,
        count_if(closed and with_error) as with_error,
        sum(cases) filter (where closed) as cases,
    from placed
    group by
        period,
        key
),
based as (
    select
        *,
        if($by::varchar = 'class', sum(n) over (partition by period), n) as base,
    from counted
)
select
    period,
    key,
    1000.0 * with_error / nullif(base, 0) as value,
    n,
    in_flight,
    {
        'with_error': with_error,
        'exceptions_per_1000': (1000.0 * coalesce(cases, 0) / nullif(base, 0))::double,
    } as details,
from based
order by
    period,
    key
