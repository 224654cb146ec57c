-- one row per exception behind K12: those opened in the period, the escalated ones first
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
    escalated,
    escalated_at,
    by_time,
    by_people,
    create_sort_key(
        escalated, 'desc nulls last',
        opened_at, 'asc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            case_id
        ), 'asc nulls last',
        episode, 'asc nulls last'
    ) as place,
from case_escalated([$from], [$to], $scope, $flow, $by)
where $part::varchar is null or key = $part
{page}
