-- one row per segment of the newest completed units of a flow: how many units it has
select
    segment,
    count(*) as units
from (
    select
        unit.segment
    from unit
    where
        unit.flow = $flow
        and unit.completed_at is not null
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
    order by
        unit.completed_at desc,
        unit.correlation_id,
        unit.tenant
    limit $newest
) as newest
where segment is not null
group by segment
order by
    units desc,
    segment
limit 8
