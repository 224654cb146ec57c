-- one row per approval with this id within the scope: one of each tenant and unit that uses it
select
    exception_case.*,
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    and exception_case.approval_id = $id
    and ($tenant::varchar is null or exception_case.tenant = $tenant)
    and ($correlation_id::varchar is null or exception_case.correlation_id = $correlation_id)
