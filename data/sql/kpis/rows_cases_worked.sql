-- one row per exception behind K22: those that people worked on in the period, the longest work first
select
    count(*) over () as total,
    case_id,
    correlation_id,
    flow,
    step,
    title,
    class,
    began_at,
    stretches,
    seconds,
    create_sort_key(
        seconds, 'desc nulls last',
        began_at, 'asc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            case_id
        ), 'asc nulls last'
    ) as place,
from case_worked([$from], [$to], $scope, $flow, $by)
where $part::varchar is null or key = $part
{page}
