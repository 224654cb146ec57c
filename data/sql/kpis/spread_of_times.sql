-- one row per part of a split with how the times of the units lie that succeeded in a period
select
    key as name,
    count(*) as n,
    percentile_cont(0.1) within group (order by seconds) as p10,
    percentile_cont(0.25) within group (order by seconds) as q1,
    percentile_cont(0.5) within group (order by seconds) as median,
    percentile_cont(0.75) within group (order by seconds) as q3,
    percentile_cont(0.9) within group (order by seconds) as p90
from (
    select
        key,
        greatest(epoch(closed_at - opened_at), 0) as seconds
    from unit_in_period([$from], [$to], $scope, $flow, $by)
    where succeeded
) as took
group by key
order by
    n desc,
    name
