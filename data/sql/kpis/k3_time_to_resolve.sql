-- K3 Median time to resolve
-- meaning: Median time from the first failure of an exception to its end.
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, class, segment, tenant, business_unit
-- rows: cases_closed
-- counted: closed
-- rule: The period is that of the end: recovered at the unit's own success signal, or resolved by a person.
-- rule: A reopened exception keeps its start; only its last end counts.
-- rule: The second figure is the Kaplan-Meier median: exceptions still open at the end of the period count with the age they have, so that a pile of old ones cannot make the figure look good. It is empty while less than half would have ended.
-- rule: Exceptions that expired are in neither: nobody resolved them. The second figure counts them with the age at which they expired.
-- rule: Exceptions still open at the end of the period are shown as in flight; they are not in the first figure.
with
periods as (
    select
        generate_subscripts($starts::timestamp[], 1) as period,
        unnest($starts::timestamp[]) as starts_at,
        unnest($ends::timestamp[]) as ends_at,
),
cases as (
    select
        *,
        case_closed(state, verified_at, resolved_at) as closed_at,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
        and ($flow::varchar is null or flow = $flow)
),
placed as (
    select
        periods.period,
        if($by::varchar is null, null, coalesce(
            case $by
                when 'flow' then cases.flow
                when 'class' then cases.class
                when 'segment' then cases.segment
                when 'tenant' then cases.tenant
                when 'business_unit' then cases.business_unit
            end,
            'not set'
        )) as key,
        coalesce(cases.closed_at < periods.ends_at, false) as gone,
        gone and cases.state <> 'expired' as closed,
        greatest(epoch(if(gone, cases.closed_at, periods.ends_at) - cases.opened_at), 0) as seconds,
    from cases
    inner join periods
        on
            cases.opened_at < periods.ends_at
            and coalesce(cases.closed_at, 'infinity'::timestamp) >= periods.starts_at
),
ages as (
    select
        period,
        key,
        seconds,
        count_if(closed) as ended,
        count(*) as leaving,
    from placed
    group by
        period,
        key,
        seconds
),
risk as (
    select
        *,
        sum(leaving) over (partition by period, key order by seconds desc) as at_risk,
    from ages
),
survival as (
    select
        *,
        product(1.0 - ended / at_risk) over (partition by period, key order by seconds) as still_open,
    from risk
),
half as (
    select
        period,
        key,
        -- 1e-9: an exact half must not be missed by a rounding error
        min(seconds) filter (where still_open <= 0.5 + 1e-9) as median_with_open,
    from survival
    group by
        period,
        key
),
ended as (
    select
        period,
        key,
        median(seconds) filter (where closed) as value,
        quantile_cont(seconds, 0.9) filter (where closed) as p90,
        count_if(closed) as n,
        count_if(not gone) as in_flight,
    from placed
    group by
        period,
        key
)
select
    ended.period,
    ended.key,
    ended.value,
    ended.n,
    ended.in_flight,
    {
        'p90': ended.p90,
        'median_with_open': half.median_with_open,
    } as details,
from ended
inner join half
    on
        ended.period = half.period
        and ended.key is not distinct from half.key
order by
    ended.period,
    ended.key
