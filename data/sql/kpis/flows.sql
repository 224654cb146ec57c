-- one row per flow that ever had a unit or an exception
select
    flow,
    min(opened_at) as began_at
from (
    select
        flow,
        opened_at
    from unit
    where in_scope(unit.tenant, unit.flow, $scope::varchar[])
    union all
    select
        flow,
        opened_at
    from exception_case
    where in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
) as seen
group by flow
order by flow
