-- one row per unit and step behind the failures by step: those that failed in the period, the latest first
with
failures as (
    select
        correlation_id,
        flow,
        step,
        error_class as class,
        ended_at as failed_at,
        false as of_case,
    from attempt
    where
        outcome = 'error'
        and ended_at >= $from
        and ended_at < $to
        and ($flow::varchar is null or flow = $flow)
        and (
            $scope::varchar[] is null
            or exists (
                select 1
                from unit
                where
                    -- asked again, so that without a scope no unit is read
                    $scope::varchar[] is not null
                    and unit.correlation_id = attempt.correlation_id
                    and unit.flow = attempt.flow
                    and in_scope(unit.tenant, unit.flow, $scope::varchar[])
            )
        )
    union all
    select
        exception_case.correlation_id,
        exception_case.flow,
        exception_case.step,
        exception_case.class,
        case_occurrence.time as failed_at,
        true as of_case,
    from case_occurrence
    inner join exception_case on case_occurrence.case_id = exception_case.id
    where
        case_occurrence.time >= $from
        and case_occurrence.time < $to
        and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(case_occurrence.note)
        and ($flow::varchar is null or exception_case.flow = $flow)
),
units as (
    select
        correlation_id,
        flow,
        step,
        coalesce(
            arg_max(class, failed_at) filter (where of_case),
            arg_max(class, failed_at),
            'unknown'
        ) as class,
        count_if(not of_case) as failed_attempts,
        max(failed_at) as failed_at,
    from failures
    group by
        correlation_id,
        flow,
        step
)
select
    count(*) over () as total,
    correlation_id,
    flow,
    step,
    class,
    failed_at,
    failed_attempts,
    true as counted,
from units
order by
    failed_at desc,
    correlation_id,
    flow,
    step
limit $limit
offset $offset
