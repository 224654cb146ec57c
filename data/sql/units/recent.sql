-- one row per unit that was seen last, newest first; a unit that only its trace names has an ID of 32 hex digits
select
    unit.correlation_id as id,
    unit.flow,
    unit.last_seen as time,
    unit_state(unit.outcome, unit.completed_at, unit.failed_at) as state,
from unit
where
    in_scope(unit.tenant, unit.flow, $scope::varchar[])
    and (not coalesce($failed::boolean, false) or unit.failed_at is not null)
    and (not coalesce($named::boolean, false) or not regexp_full_match(unit.correlation_id, '[0-9a-f]{32}'))
order by
    unit.last_seen desc,
    unit.correlation_id
limit $limit
