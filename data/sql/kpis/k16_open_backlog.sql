-- K16 Open backlog
-- meaning: Exceptions that are open at the end of the period.
-- unit: exceptions
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: class, flow, segment, tenant, business_unit
-- rows: cases_open
-- counted: open
-- rule: As of the end of the period: opened before it and not ended by then. Claimed, retrying and verifying are open.
-- rule: Inflow is what was opened in the period, outflow what was recovered or resolved in it.
-- rule: What expired in the period is counted apart: it is no outflow.
-- rule: Ages run from the first failure; reopening does not make an exception young.
-- rule: Backlog days are the open ones divided by what ended a day, over the 28 days before the end of the period.
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
                when 'class' then cases.class
                when 'flow' then cases.flow
                when 'segment' then cases.segment
                when 'tenant' then cases.tenant
                when 'business_unit' then cases.business_unit
            end,
            'not set'
        )) as key,
        coalesce(cases.closed_at >= periods.ends_at, true) as still_open,
        cases.opened_at >= periods.starts_at as came_in,
        cases.state = 'expired' as expired,
        not still_open and not expired and cases.closed_at >= periods.starts_at as went_out,
        not still_open and not expired and cases.closed_at >= periods.ends_at - interval 28 days as ended_lately,
        periods.ends_at - cases.opened_at as age,
        cases.closed_at,
        periods.starts_at,
    from cases
    inner join periods
        on
            cases.opened_at < periods.ends_at
            and coalesce(cases.closed_at, 'infinity'::timestamp)
            >= least(periods.starts_at, periods.ends_at - interval 28 days)
)
select
    period,
    key,
    count_if(still_open)::double as value,
    count_if(still_open) as n,
    0 as in_flight,
    {
        'inflow': count_if(came_in),
        'outflow': count_if(went_out),
        'expired': count_if(expired and not still_open and closed_at >= starts_at),
        'under_1h': count_if(still_open and age < interval 1 hour),
        'from_1h_to_4h': count_if(still_open and age >= interval 1 hour and age < interval 4 hours),
        'from_4h_to_24h': count_if(still_open and age >= interval 4 hours and age < interval 24 hours),
        'from_1d_to_7d': count_if(still_open and age >= interval 24 hours and age < interval 168 hours),
        'over_7d': count_if(still_open and age >= interval 168 hours),
        'backlog_days': count_if(still_open) * 28.0 / nullif(count_if(ended_lately), 0),
    } as details,
from placed
group by
    period,
    key
having $by::varchar is null or n > 0
order by
    period,
    key
