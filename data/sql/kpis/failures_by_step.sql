-- failures_by_step Failures by step
-- meaning: Units that failed at a step, by class of the failure.
-- unit: units
-- better: down
-- grain: one row per flow, step and class
-- version: 1
-- floor: 0
-- splits: flow, step, class
-- rows: failures
-- counted: failed
-- rule: The period is that of the failure itself, not of the unit's end, so that a step that fails now shows now.
-- rule: A unit counts once at a step, however often it failed there; it may fail at several steps.
-- rule: Its class is that of its exception at the step, or of its latest failed attempt there.
-- rule: Failed attempts that a later one made good count too: they cost time.
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
    from failures
    group by
        correlation_id,
        flow,
        step
),
classes as (
    select
        flow,
        step,
        class,
        count(*) as units,
        sum(failed_attempts)::bigint as failed_attempts,
    from units
    group by
        flow,
        step,
        class
)
select
    *,
    sum(units) over (partition by flow, step)::bigint as step_units,
from classes
order by
    step_units desc,
    flow,
    step,
    class
