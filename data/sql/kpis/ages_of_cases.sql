-- one row per age at which exceptions left the backlog of a period: ended in it, or open at its end with that age
select
    seconds,
    count(*) filter (where ended and not expired) as ended,
    count(*) as leaving
from case_in_period([$from], [$to], $scope, $flow, null)
where
    ended
    or still_open
group by seconds
order by seconds
