-- one row per step that came last in one of the newest completed units of a flow: in how many it did
with
newest as (
    select
        unit.correlation_id,
        unit.flow,
        unit.opened_at,
        unit.completed_at
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
),
final as (
    select
        newest.correlation_id,
        arg_max(attempt.step, (attempt.ended_at, attempt.started_at, attempt.step)) as step
    from newest
    inner join attempt
        on
            newest.correlation_id = attempt.correlation_id
            and newest.flow = attempt.flow
            and attempt.started_at between newest.opened_at and newest.completed_at
    where attempt.outcome = 'ok'
    group by newest.correlation_id
)
select
    step,
    count(*) as units
from final
group by step
order by
    units desc,
    step
limit 5
