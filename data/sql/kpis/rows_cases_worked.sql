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
    seconds
from case_worked([$from], [$to], $scope, $flow, $by)
where $part::varchar is null or key = $part
order by
    seconds desc,
    began_at,
    correlation_id,
    flow,
    step
limit $limit
offset $offset
