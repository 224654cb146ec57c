-- one row per exception behind K17: those whose triage was due in the period, the missed ones first
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
    due_at,
    done_at as taken_up_at,
    met,
    create_sort_key(
        met, 'asc nulls last',
        due_at, 'asc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            case_id
        ), 'asc nulls last',
        episode, 'asc nulls last'
    ) as place,
from case_due([$from], [$to], $scope, $flow, $by)
where
    is_due
    and promise = 'triage'
    and ($part::varchar is null or key = $part)
{page}
