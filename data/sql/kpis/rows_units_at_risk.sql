-- one row per unit behind K8: those with an exception open at the end of the period, the most valuable first
select
    count(*) over () as total,
    correlation_id,
    flow,
    case_id,
    step,
    title,
    class,
    opened_at,
    greatest(extract(epoch from ends_at - opened_at), 0) as seconds,
    exceptions,
    value_amount,
    value_currency,
    value_amount is not null as counted,
    create_sort_key(
        value_amount, 'desc nulls last',
        opened_at, 'asc nulls last',
        place_of(
            correlation_id,
            flow,
            case_id,
            null
        ), 'asc nulls last'
    ) as place,
from unit_at_risk([$to], [$to], $scope, $flow, $by)
where $part::varchar is null or key = $part
{page}
