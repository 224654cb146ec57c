-- one row per unit and step behind the failures by step: those that failed in the period, the latest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    step,
    class,
    failed_at,
    failed_attempts,
    create_sort_key(
        failed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            step,
            tenant
        ), 'asc nulls last'
    ) as place,
from step_failure($from, $to, $scope, $flow, $by)
where $part::varchar is null or key = $part
{page}
