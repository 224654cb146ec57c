-- one row: what one person holds
select
    count(*) as cases,
    min(exception_case.lease_until) as soonest_lease_end,
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    and exception_case.state = $claimed
    and exception_case.holder = $holder
