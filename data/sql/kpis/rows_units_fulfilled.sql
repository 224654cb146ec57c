-- one row per unit behind K6: those that succeeded in the period, the slowest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    closed_at,
    greatest(epoch(closed_at - opened_at), 0) as seconds,
    value_amount,
    value_currency,
    {split},
from unit_in_period([$from], [$to], $scope, $flow, $by)
where
    succeeded
    and ($part::varchar is null or key = $part)
order by
    seconds desc,
    correlation_id,
    flow
limit $limit
offset $offset
