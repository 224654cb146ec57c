-- one row per unit behind K10: those written off in the period, the most valuable first
select
    count(*) over () as total,
    correlation_id,
    flow,
    case_id,
    step,
    title,
    class,
    opened_at,
    closed_at,
    exceptions,
    value_amount,
    value_currency,
    value_amount is not null as counted,
    create_sort_key(
        value_amount, 'desc nulls last',
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            case_id,
            null
        ), 'asc nulls last'
    ) as place,
from unit_lost([$from], [$to], $scope, $flow, $by)
where
    not in_flight
    and ($part::varchar is null or key = $part)
{page}
