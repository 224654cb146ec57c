-- one row per weekday (1 is Monday) and clock hour of a zone with the failures of steps that happened in it
select
    isodow(timezone($zone, timezone('UTC', failed_at))) as weekday,
    hour(timezone($zone, timezone('UTC', failed_at))) as hour,
    count(*) as failures
from step_failure($from, $to, $scope, $flow, null)
group by all
order by
    weekday,
    hour
