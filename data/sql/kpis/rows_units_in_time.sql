-- one row per unit and flow behind K14: those completed in the period, where the flow has an objective, the slowest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    closed_at,
    seconds,
    bound as objective,
    value_amount,
    value_currency,
    {split},
    seconds <= bound as counted,
from unit_aimed('K14', [$from], [$to], $scope, $flow, $by)
where
    succeeded
    and bound is not null
    and ($part::varchar is null or key = $part)
order by
    seconds desc,
    correlation_id,
    flow
limit $limit
offset $offset
