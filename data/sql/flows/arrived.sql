-- one row per flow that ever had a unit or an exception: how many units, and when something happened last
select
    flow,
    sum(units)::bigint as units,
    min(began_at) as first_at,
    max(last_at) as last_at,
from (
    select
        flow,
        count(*) as units,
        min(opened_at) as began_at,
        max(greatest(opened_at, completed_at, failed_at)) as last_at,
    from unit
    where in_scope(unit.tenant, unit.flow, $scope::varchar[])
    group by flow
    union all
    select
        flow,
        0 as units,
        min(opened_at) as began_at,
        max(last_seen) as last_at,
    from exception_case
    where in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    group by flow
) as seen
group by flow
order by flow
