-- one row per state and flow
select
    retry.state,
    retry.flow,
    count(*) as retries,
from retry
inner join exception_case on retry.case_id = exception_case.id
where in_scope(exception_case.tenant, retry.flow, $scope::varchar[])
group by
    retry.state,
    retry.flow
order by
    retry.flow,
    retry.state
