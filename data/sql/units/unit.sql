-- one row per flow that the unit belongs to
select
    unit.*,
from unit
where
    unit.correlation_id = $correlation_id
    and unit.first_seen between make_timestamp($low) and make_timestamp($high)
    and in_scope(unit.tenant, unit.flow, $scope::varchar[])
order by
    unit.first_seen
