-- one row per unit behind K43: those that finished in the period, the ones with a missing answer first
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    closed_at,
    who,
    what,
    steps,
    why,
    who and what and steps and why as counted
from unit_answered([$from], [$to], $scope, $flow, $by)
where
    closed
    and ($part::varchar is null or key = $part)
order by
    counted,
    closed_at desc,
    correlation_id,
    flow
limit $limit
offset $offset
