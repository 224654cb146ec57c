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
    met
from case_due([$from], [$to], $scope, $flow, $by)
where
    is_due
    and promise = 'triage'
    and ($part::varchar is null or key = $part)
order by
    met,
    due_at,
    correlation_id,
    flow,
    step,
    episode
limit $limit
offset $offset
