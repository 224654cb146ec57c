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
    create_sort_key(
        counted, 'desc nulls last',
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_aimed('K15', [$from], [$to], $scope, $flow, $by)
where
    closed
    and ($part::varchar is null or key = $part)
{page}
