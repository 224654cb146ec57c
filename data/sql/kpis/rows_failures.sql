-- one row per unit and step behind the failures by step: those that failed in the period, the latest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    step,
    class,
    failed_at,
    failed_attempts
from step_failure($from, $to, $scope, $flow, $by)
where $part::varchar is null or key = $part
order by
    failed_at desc,
    correlation_id,
    flow,
    step
limit $limit
offset $offset
