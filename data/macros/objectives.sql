-- The shared nouns of the figures over objectives of flows; see basis.sql for the parameters.

-- aim: one row per objective that somebody set for a KPI; K15's is its target, the most of 100 that may fail
create or replace macro aim(which) as table
select
    kpi_objective.flow,
    kpi_objective.bound,
    kpi_objective.set_at
from kpi_objective
where kpi_objective.kpi = which
union all
select
    kpi_target.flow,
    kpi_target.target,
    kpi_target.set_at
from kpi_target
where
    kpi_target.kpi = which
    and which = 'K15';

-- objective: one row per period and flow (null: all that have none of their own) with the bound that held at the end
-- of the period; before anybody had set one, the first that somebody set. A bound that was taken away is null.
create or replace macro objective(which, starts, ends) as table
select
    period.number as period,
    aimed.flow,
    coalesce(
        arg_max(struct_pack(bound := aimed.bound), aimed.set_at) filter (where aimed.set_at < period.ends_at),
        arg_min(struct_pack(bound := aimed.bound), aimed.set_at)
    ).bound as bound
from aim(which) as aimed
cross join period(starts, ends) as period
group by
    period.number,
    aimed.flow;

-- unit_aimed: one row per period, unit and flow that finished in it or was in flight at its end, with the objective
-- of its flow (null: none). seconds: from its first record in the flow to its end, else to the end of the period.
create or replace macro unit_aimed(which, starts, ends, reach, only_flow, split_by) as table
select
    unit.* exclude (key),
    split_key(
        split_by, unit.flow, null, null, null,
        unit.{split},
    ) as key,
    case when own.flow is null then common.bound else own.bound end as bound,
    greatest(epoch(coalesce(unit.closed_at, unit.ends_at) - unit.opened_at), 0) as seconds
from unit_in_period(starts, ends, reach, only_flow, 'flow') as unit
left join objective(which, starts, ends) as own
    on
        unit.period = own.period
        and unit.flow = own.flow
left join objective(which, starts, ends) as common
    on
        unit.period = common.period
        and common.flow is null;

-- flow_incident: one row per period and stretch in which a flow missed its objective of K15: quarter hours, one after
-- the other as units ended in them, in which at least three ends were failures, and more of 100 than the objective
-- allows. It began with the first of these failures; restored_at is the first success after the last one (null: none
-- by the end of the period). The seven days before the period are read, too.
create or replace macro flow_incident(starts, ends, reach, only_flow) as table
with
ended as materialized (
    select
        unit_signal.flow,
        unit_signal.time,
        unit_signal.outcome not in ('success', 'completed_unproven') as failed,
        sum(unit_signal.change) as ends,
        any_value(unit_signal.correlation_id) as correlation_id
    from unit_signal
    where
        unit_signal.time >= list_min(starts::timestamp[]) - interval '7 days'
        and unit_signal.time < list_max(ends::timestamp[])
        and is_end(unit_signal.outcome)
        and in_scope(unit_signal.tenant, unit_signal.flow, reach::varchar[])
        and (only_flow::varchar is null or unit_signal.flow = only_flow)
        and exists (
            select 1
            from aim('K15') as aimed
            where coalesce(aimed.flow = unit_signal.flow, true)
        )
    group by all
    having sum(unit_signal.change) > 0
),
quarter as (
    select
        period.number as period,
        period.starts_at,
        ended.flow,
        time_bucket(interval '15 minutes', ended.time) as quarter,
        sum(ended.ends) as units,
        coalesce(sum(ended.ends) filter (where ended.failed), 0) as failures,
        min(ended.time) filter (where ended.failed) as first_failed_at,
        max(ended.time) filter (where ended.failed) as last_failed_at,
        arg_min(ended.correlation_id, ended.time) filter (where ended.failed) as correlation_id
    from ended
    inner join period(starts, ends) as period
        on
            ended.time >= period.starts_at - interval '7 days'
            and ended.time < period.ends_at
    group by all
),
judged as (
    select
        quarter.*,
        quarter.failures >= 3
        and coalesce(
            100.0 * quarter.failures / quarter.units > case when own.flow is null then common.bound else own.bound end,
            false
        ) as bad
    from quarter
    left join objective('K15', starts, ends) as own
        on
            quarter.period = own.period
            and quarter.flow = own.flow
    left join objective('K15', starts, ends) as common
        on
            quarter.period = common.period
            and common.flow is null
),
placed as (
    select
        *,
        sum((not bad)::int) over (partition by period, flow order by quarter) as stretch
    from judged
),
incident as (
    select
        period,
        starts_at,
        flow,
        min(first_failed_at) as opened_at,
        max(last_failed_at) as last_failed_at,
        sum(failures)::bigint as failures,
        sum(units)::bigint as units,
        arg_min(correlation_id, first_failed_at) as correlation_id
    from placed
    where bad
    group by
        period,
        starts_at,
        flow,
        stretch
),
restored as (
    select
        incident.period,
        incident.flow,
        incident.opened_at,
        min(ended.time) as restored_at
    from incident
    inner join period(starts, ends) as period on incident.period = period.number
    inner join ended
        on
            incident.flow = ended.flow
            and ended.time > incident.last_failed_at
            and ended.time < period.ends_at
            and not ended.failed
    group by
        incident.period,
        incident.flow,
        incident.opened_at
)
select
    incident.* exclude (starts_at),
    restored.restored_at,
    restored.restored_at is not null as counted,
    restored.restored_at is null as in_flight,
    epoch(restored.restored_at - incident.opened_at) as seconds
from incident
left join restored
    on
        incident.period = restored.period
        and incident.flow = restored.flow
        and incident.opened_at = restored.opened_at
where coalesce(restored.restored_at >= incident.starts_at, true);
