-- one row: a case as somebody may see it
select
    exception_case.*,
from exception_case
where
    exception_case.id = $id
    and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
