-- one row per flow, step and class: units that failed there in the period, the step with most units first
-- A unit counts once a step, in the class of its exception there, or of its latest failed attempt.
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
