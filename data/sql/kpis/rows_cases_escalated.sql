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
    by_people
from case_escalated([$from], [$to], $scope, $flow, $by)
where $part::varchar is null or key = $part
order by
    escalated desc,
    opened_at,
    correlation_id,
    flow,
    step,
    episode
limit $limit
offset $offset
