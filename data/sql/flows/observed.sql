-- one row: what the newest completed units of a flow have in common
with
newest as (
    select unit.*
    from unit
    where
        unit.flow = $flow
        and unit.completed_at is not null
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
    order by
        unit.completed_at desc,
        unit.correlation_id,
        unit.tenant
    limit $newest
)
select
    count(*) as units,
    count(value_amount) as with_value,
    mode(value_currency) as currency,
    count(distinct value_currency) as currencies,
    median(value_amount)::float8 as median_value,
    count(*) filter (where human_at is not null) as by_people,
    quantile_cont(date_diff('milliseconds', opened_at, completed_at) / 1000.0, 0.5) as median_s,
    quantile_cont(date_diff('milliseconds', opened_at, completed_at) / 1000.0, 0.9) as p90_s,
    min(completed_at) as since,
    max(completed_at) as until,
from newest
