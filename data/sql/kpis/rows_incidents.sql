-- one row per incident behind K28: those restored in the period, the longest first; with the first unit that failed
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    restored_at as closed_at,
    seconds,
    failures,
    units,
    create_sort_key(
        seconds, 'desc nulls last',
        opened_at, 'asc nulls last',
        place_of(
            flow,
            correlation_id,
            null,
            null
        ), 'asc nulls last',
        restored_at, 'asc nulls last'
    ) as place,
from flow_incident([$from], [$to], $scope, $flow)
where counted
{page}
