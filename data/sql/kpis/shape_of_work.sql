-- shape_of_work Shape of work
-- meaning: How finished units ended, over time: touchless, assisted, closed by hand, failed.
-- unit: units
-- better: up
-- grain: one row per period that has finished units
-- version: 2
-- floor: 0
-- splits: touchless, assisted, manual, failed
-- rows: units
-- counted: succeeded
-- rule: The period is that of the unit's last signal, success or failure; bars are cut in the business time zone.
-- rule: Touchless: succeeded, and no person touched it, as K1 says.
-- rule: Assisted: succeeded, and a person touched it.
-- rule: Closed by hand: did not succeed by itself, a person closed an exception of it, and none is left open.
-- rule: Failed: did not succeed, and an exception is still open or there never was one.
-- rule: Units that have not finished are in no bar. The first and the last bar may be shorter than the others.
with
periods as (
    select
        unnest($edges::timestamp[]) as starts_at,
),
touched as (
    select distinct
        touch.correlation_id,
        touch.flow,
    from touch
    where in_scope(touch.tenant, touch.flow, $scope::varchar[])
),
closed_by_hand as (
    select
        correlation_id,
        flow,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
    group by
        correlation_id,
        flow
    having
        bool_or(state = 'resolved')
        and bool_and(state in ('recovered', 'resolved', 'expired'))
),
finished as (
    select
        unit.correlation_id,
        unit.flow,
        greatest(unit.completed_at, unit.failed_at) as closed_at,
        coalesce(unit.completed_at >= coalesce(unit.failed_at, unit.completed_at), false) as succeeded,
    from unit
    where
        closed_at >= list_min($edges::timestamp[])
        and closed_at < list_max($edges::timestamp[])
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
        and ($flow::varchar is null or unit.flow = $flow)
),
shaped as (
    select
        periods.starts_at,
        finished.succeeded,
        touched.flow is not null as touched,
        closed_by_hand.flow is not null as by_hand,
    from finished
    asof inner join periods on finished.closed_at >= periods.starts_at
    left join touched
        on
            finished.correlation_id = touched.correlation_id
            and finished.flow = touched.flow
    left join closed_by_hand
        on
            finished.correlation_id = closed_by_hand.correlation_id
            and finished.flow = closed_by_hand.flow
)
select
    starts_at,
    count_if(succeeded and not touched) as touchless,
    count_if(succeeded and touched) as assisted,
    count_if(not succeeded and by_hand) as manual,
    count_if(not succeeded and not by_hand) as failed,
from shaped
group by starts_at
order by starts_at
