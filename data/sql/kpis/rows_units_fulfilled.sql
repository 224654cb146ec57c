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
    create_sort_key(
        seconds, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_in_period([$from], [$to], $scope, $flow, $by)
where
    succeeded
    and ($part::varchar is null or key = $part)
{page}
