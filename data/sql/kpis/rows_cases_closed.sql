-- one row per exception behind K3: those that were recovered or resolved in the period, the slowest first
select
    count(*) over () as total,
    case_id,
    episode,
    correlation_id,
    flow,
    step,
    title,
    class,
    opened_at,
    closed_at,
    seconds,
    state as outcome,
    resolution_code,
    recovered_by,
    value_amount,
    value_currency,
    create_sort_key(
        seconds, 'desc nulls last',
        case_id, 'asc nulls last',
        episode, 'asc nulls last'
    ) as place,
from case_in_period([$from], [$to], $scope, $flow, $by)
where
    ended
    and not expired
    and ($part::varchar is null or key = $part)
{page}
