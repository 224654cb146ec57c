-- one row per unit behind K1, K7, K19 or K20: those in `n`, the ones that hurt first
with
stuck as (
    select
        correlation_id,
        flow,
        count(*) as exceptions,
        arg_max(class, opened_at) as class,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
    group by
        correlation_id,
        flow
),
touched as (
    select
        touch.correlation_id,
        touch.flow,
        count(*) as human_acts,
    from touch
    where in_scope(touch.tenant, touch.flow, $scope::varchar[])
    group by
        touch.correlation_id,
        touch.flow
),
finished as (
    select
        unit.*,
        greatest(unit.completed_at, unit.failed_at) as closed_at,
        coalesce(unit.completed_at >= coalesce(unit.failed_at, unit.completed_at), false) as succeeded,
    from unit
    where
        closed_at >= $from
        and closed_at < $to
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
        and ($flow::varchar is null or unit.flow = $flow)
        and (succeeded or $counted in ('succeeded', 'with_error'))
),
described as (
    select
        finished.correlation_id,
        finished.flow,
        finished.opened_at,
        finished.closed_at,
        if(finished.succeeded, 'succeeded', 'failed') as outcome,
        stuck.class,
        coalesce(stuck.exceptions, 0) as exceptions,
        coalesce(touched.human_acts, 0) as human_acts,
        finished.failed_attempts,
        finished.value_amount,
        finished.value_currency,
        finished.segment,
        finished.tenant,
        finished.business_unit,
        case $counted
            when 'touchless' then touched.flow is null
            when 'with_error'
                then finished.failed_attempts > 0 or finished.failed_at is not null or stuck.flow is not null
            else finished.succeeded
        end as counted,
    from finished
    left join stuck
        on
            finished.correlation_id = stuck.correlation_id
            and finished.flow = stuck.flow
    left join touched
        on
            finished.correlation_id = touched.correlation_id
            and finished.flow = touched.flow
)
select
    count(*) over () as total,
    described.*,
from described
where $only_counted::boolean is null or counted = $only_counted
order by
    counted = ($counted = 'with_error') desc,
    closed_at desc,
    correlation_id,
    flow
limit $limit
offset $offset
