-- one row per flow that the unit belongs to
select
    unit.*,
from unit
where
    unit.correlation_id = $correlation_id
    and in_scope(unit.tenant, unit.flow, $scope::varchar[])
order by
    unit.first_seen
