-- one row per flow with units of the period that ended, and no rule says whether that was success
select
    flow,
    count(*) as units
from unit
where in_scope(unit.tenant, unit.flow, $scope::varchar[])
    and outcome = 'ended'
    and ended_at >= $from
    and ended_at < $to
    and ($flow::varchar is null or flow = $flow)
group by flow
order by units desc, flow
