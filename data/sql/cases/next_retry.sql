-- one row: the oldest retry that waits, or whose worker was lost
select
    retry.*,
from retry
inner join exception_case on retry.case_id = exception_case.id
where
    retry.state = 'queued'
    and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    and ($flows is null or list_contains($flows::varchar[], retry.flow))
order by
    retry.requested_at,
    retry.id
limit 1
