-- K28 Mean time to restore a flow
-- meaning: Mean time from the first failure of an incident of a flow to its next success.
-- group: speed
-- unit: seconds
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 1
-- splits: flow
-- rows: incidents
-- counted: restored
-- rule: An incident is of a flow, not of a unit or an exception. It is a stretch in which the flow missed its objective of K15.
-- rule: The stretch is made of quarter hours in which units ended: at least three ends were failures, and more of 100 than the objective allows. The next quarter hour in which units ended and that is better ends it; a quarter hour in which nothing ended does not.
-- rule: It begins with the first of these failures and ends with the first success after the last of them. The period is that of this success.
-- rule: Incidents that are not restored at the end of the period are shown as in flight. Those that began more than seven days before the period begin seven days before it.
-- rule: Each end counts as its record stated it: a unit that fails twice is two ends.
-- rule: The objective of K15 is that at the end of the period. Flows without one have no incidents.
-- rule: States of a breaker are not known: nothing records them.
with
incident as (
    select
        *,
        case when $by::varchar = 'flow' then flow end as key
    from flow_incident($starts, $ends, $scope, $flow)
)
select
    period.number as period,
    incident.key,
    avg(incident.seconds) filter (where incident.counted) as value,
    count(*) filter (where incident.counted) as n,
    count(*) filter (where incident.in_flight) as in_flight,
    percentile_cont(0.5) within group (order by incident.seconds) filter (where incident.counted) as median,
    max(incident.seconds) filter (where incident.counted) as longest,
    any_value((
        select count(*)
        from objective('K15', $starts, $ends) as aimed
        where
            aimed.period = 1
            and aimed.bound is not null
    )) as objectives
from period($starts, $ends) as period
left join incident on period.number = incident.period
group by
    period.number,
    incident.key
