-- one row per state and flow
select
    exception_case.state,
    exception_case.flow,
    count(*) as cases,
from exception_case
where in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
group by
    exception_case.state,
    exception_case.flow
order by
    exception_case.flow,
    exception_case.state
