-- one row per unit and flow behind K15: those finished in the period, the failed ones first
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
    not completed as counted,
from unit_aimed('K15', [$from], [$to], $scope, $flow, $by)
where
    closed
    and ($part::varchar is null or key = $part)
order by
    counted desc,
    closed_at desc,
    correlation_id,
    flow
limit $limit
offset $offset
