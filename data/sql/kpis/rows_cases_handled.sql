-- one row per exception behind K18: those that people worked on and that ended in the period, the longest work first
select
    count(*) over () as total,
    case_id,
    episode,
    correlation_id,
    flow,
    step,
    title,
    class,
    opened_at,
    closed_at,
    seconds,
    state,
    create_sort_key(
        seconds, 'desc nulls last',
        opened_at, 'asc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            case_id
        ), 'asc nulls last',
        episode, 'asc nulls last'
    ) as place,
from case_handled([$from], [$to], $scope, $flow, $by)
where
    counted
    and ($part::varchar is null or key = $part)
{page}
