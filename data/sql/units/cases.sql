-- one row per case of the unit
select
    exception_case.*,
from exception_case
where
    exception_case.correlation_id = $correlation_id
    and exception_case.first_seen between make_timestamp($low) and make_timestamp($high)
    and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
order by
    exception_case.opened_at
