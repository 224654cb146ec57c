-- one row per ID of these that has a unit
select distinct
    unit.correlation_id as id,
from unit
where
    list_contains($ids::varchar[], unit.correlation_id)
    and unit.first_seen between make_timestamp($low) and make_timestamp($high)
    and in_scope(unit.tenant, unit.flow, $scope::varchar[])
