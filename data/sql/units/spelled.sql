-- one row per ID that is spelled like this but for capital letters
select distinct
    unit.correlation_id,
from unit
where
    lower(unit.correlation_id) = lower($id)
    and in_scope(unit.tenant, unit.flow, $scope::varchar[])
order by
    unit.correlation_id
limit 2
