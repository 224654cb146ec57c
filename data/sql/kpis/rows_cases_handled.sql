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
    state
from case_handled([$from], [$to], $scope, $flow, $by)
where
    counted
    and ($part::varchar is null or key = $part)
order by
    seconds desc,
    opened_at,
    correlation_id,
    flow,
    step,
    episode
limit $limit
offset $offset
