-- K16 Open backlog
-- meaning: Exceptions that are open at the end of the period.
-- group: exceptions
-- unit: exceptions
-- better: down
-- grain: one row per period and split
-- version: 2
-- floor: 0
-- splits: class, flow, step, {splits}
-- rows: cases_open
-- counted: open
-- rule: As of the end of the period: opened before it and not ended by then. Claimed, retrying and verifying are open.
-- rule: Inflow is what was opened in the period, outflow what was recovered or resolved in it.
-- rule: What expired in the period is counted apart: it is no outflow.
-- rule: Ages run from the failure that opened it, or that reopened it after it had ended. What happens later changes nothing.
-- rule: Backlog days are the open ones divided by what ended a day, over the 28 days before the end of the period.
with
cases as (
    select
        period,
        key,
        still_open,
        ended,
        expired,
        opened_at >= starts_at as came_in,
        closed_at < ends_at and closed_at >= ends_at - interval '28 days' as ended_lately,
        case when still_open then age_band(opened_at, ends_at) end as age
    from case_in_period($starts, $ends, $scope, $flow, $by)
)
select
    period,
    key,
    count(*) filter (where still_open)::float8 as value,
    count(*) filter (where still_open) as n,
    0 as in_flight,
    count(*) filter (where came_in) as inflow,
    count(*) filter (where ended and not expired) as outflow,
    count(*) filter (where ended and expired) as expired,
    count(*) filter (where age = 'under_1h') as under_1h,
    count(*) filter (where age = 'from_1h_to_4h') as from_1h_to_4h,
    count(*) filter (where age = 'from_4h_to_24h') as from_4h_to_24h,
    count(*) filter (where age = 'from_1d_to_7d') as from_1d_to_7d,
    count(*) filter (where age = 'over_7d') as over_7d,
    count(*) filter (where still_open) * 28.0
    / nullif(count(*) filter (where ended_lately and not expired), 0) as backlog_days
from cases
group by
    period,
    key
having
    $by::varchar is null
    or count(*) filter (where still_open) > 0
