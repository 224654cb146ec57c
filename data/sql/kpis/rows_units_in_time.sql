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
    create_sort_key(
        seconds, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_aimed('K14', [$from], [$to], $scope, $flow, $by)
where
    succeeded
    and bound is not null
    and ($part::varchar is null or key = $part)
{page}
