-- one row per exception behind K4: those first claimed in the period, the slowest first
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
    claimed_at,
    seconds,
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
from case_claimed([$from], [$to], $scope, $flow, $by)
where
    counted
    and ($part::varchar is null or key = $part)
{page}
