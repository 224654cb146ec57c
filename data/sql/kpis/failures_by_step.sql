-- failures_by_step Failures by step
-- meaning: Units that failed at a step, by class of the failure.
-- group: outcome
-- unit: units
-- better: down
-- grain: one row per flow, step and class
-- version: 2
-- floor: 0
-- splits: flow, step, class
-- rows: failures
-- counted: failed
-- rule: The period is that of the failure itself, not of the unit's end, so that a step that fails now shows now.
-- rule: An ID that several tenants have is a unit of each.
-- rule: A unit counts once at a step, however often it failed there; it may fail at several steps.
-- rule: Its class is that of its exception at the step, or of its latest failed attempt there.
-- rule: Failed attempts that a later one made good count too: they cost time.
select
    flow,
    step,
    class,
    count(*) as units,
    sum(failed_attempts)::bigint as failed_attempts,
    sum(count(*)) over (partition by flow, step)::bigint as step_units
from step_failure($from, $to, $scope, $flow, $by)
where $part::varchar is null or key = $part
group by
    flow,
    step,
    class
order by
    step_units desc,
    flow,
    step,
    class
