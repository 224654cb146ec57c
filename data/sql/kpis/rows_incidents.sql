-- one row per incident behind K28: those restored in the period, the longest first; with the first unit that failed
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    restored_at as closed_at,
    seconds,
    failures,
    units
from flow_incident([$from], [$to], $scope, $flow)
where counted
order by
    seconds desc,
    opened_at,
    flow
limit $limit
offset $offset
