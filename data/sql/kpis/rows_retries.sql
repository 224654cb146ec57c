-- one row per attempt behind K5: those after the first one that ended in the period, the latest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    step,
    attempt,
    class,
    dependency,
    if(by_people, 'people', 'automatic') as retried_by,
    wasted,
    started_at,
    ended_at,
    seconds,
    outcome,
    create_sort_key(
        ended_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            tenant
        ), 'asc nulls last',
        attempt, 'asc nulls last',
        record_id, 'asc nulls last'
    ) as place,
from retry_in_period([$from], [$to], $scope, $flow)
where
    $part::varchar is null
    or split_key(
        $by, flow, step, class, null,
        {split},
    ) = $part
{page}
