-- one row per unit behind K40: those that were retried and finished in the period, the failed ones first
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    closed_at,
    if(succeeded, 'succeeded', state) as outcome,
    if(special, 'people', 'automatic') as retried_by,
    failed_attempts,
    value_amount,
    value_currency,
    succeeded as counted,
    create_sort_key(
        succeeded, 'asc nulls last',
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_retried([$from], [$to], $scope, $flow, $by)
where
    marked
    and ($part::varchar is null or key = $part)
{page}
