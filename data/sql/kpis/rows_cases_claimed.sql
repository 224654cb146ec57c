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
    seconds
from case_claimed([$from], [$to], $scope, $flow, $by)
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
