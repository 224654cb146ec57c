-- one row: a case that is part of another now, or was no failure
select
    folded_case.*,
from folded_case
where
    folded_case.id = $id
    and in_scope(folded_case.tenant, folded_case.flow, $scope::varchar[])
