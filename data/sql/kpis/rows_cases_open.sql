-- one row per exception behind K16: those open at the end of the period, the oldest first
select
    count(*) over () as total,
    case_id,
    correlation_id,
    flow,
    step,
    title,
    class,
    state,
    opened_at,
    seconds,
    value_amount,
    value_currency,
    create_sort_key(
        opened_at, 'asc nulls last',
        case_id, 'asc nulls last'
    ) as place,
from case_in_period([$to], [$to], $scope, $flow, $by)
where
    still_open
    and ($part::varchar is null or key = $part)
{page}
