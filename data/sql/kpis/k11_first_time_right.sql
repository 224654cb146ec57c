-- K11 First-time-right rate
-- meaning: Share of completed units in which nothing failed and nobody had to touch anything.
-- group: outcome
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, {splits}
-- rows: units
-- counted: right
-- rule: The period is that of completion: the unit's own success signal, with no failure after it.
-- rule: A unit is right the first time if, up to its completion, no step failed, no error was recorded, no exception was opened, and no person touched it, as K1 says.
-- rule: A unit is one correlation ID of a tenant and counts once, however many attempts it took. Over several flows it failed if it failed in any, and completed when it completed in every flow that it entered.
-- rule: Within one flow, and split by flow, it counts in each flow that it entered.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: A unit that fails again after the period does not change it: it counts as come back in the period in which it failed again.
-- rule: Work that another unit has to do again, and results that a fallback made, are not known.
-- rule: Units that failed are not in this figure; units that have not finished are shown as in flight.
with
trouble as (
    select
        tenant,
        correlation_id,
        of_flow,
        touched_at as marked_at,
        false as special
    from unit_touch($scope, $flow, $by)
    union all
    select
        tenant,
        correlation_id,
        of_flow,
        opened_at,
        true
    from unit_exception($scope, $flow, $by)
),
judged as (
    select
        period,
        key,
        in_flight,
        completed,
        completed and (special or coalesce(first_error_at <= closed_at, false)) as with_error,
        completed and marked as with_trouble,
        closed and not completed and state_before in ('success', 'completed_unproven') as came_back
    from unit_marked('trouble', $starts, $ends, $scope, $flow, $by)
)
select
    period,
    key,
    percent_where(not (with_error or with_trouble), completed) as value,
    count(*) filter (where completed) as n,
    count(*) filter (where in_flight) as in_flight,
    count(*) filter (where with_error) as with_error,
    count(*) filter (where with_trouble and not with_error) as only_touched,
    count(*) filter (where came_back) as came_back
from judged
group by
    period,
    key
