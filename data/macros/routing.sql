-- The shared nouns of the figures over routing; see basis.sql for the parameters.

-- routing_stretches: what was stated of a routing by time, without what lies inside of a stretch that says the same.
-- Keeping the first and the last of each stretch gives the same list in whatever order the records arrive.
create or replace macro routing_stretches(stated) as
    case when stated is not null then list_transform(
        list_filter(
            -- each one with the one before and the one after
            list_zip(
                list_sort(list_distinct(stated)),
                list_concat([null], list_sort(list_distinct(stated))[1:-2]),
                list_concat(list_sort(list_distinct(stated))[2:], [null])
            ),
            lambda one: one[1].mode is distinct from one[2].mode or one[1].mode is distinct from one[3].mode
        ),
        lambda one: one[1]
    ) end;

-- is_automated: whether a routing says that the unit needs nobody
create or replace macro is_automated(mode) as mode in ('auto', 'automated', 'automatic');

-- routing_change: one row per ID and flow and time at which its routing became another. What only another flow of the
-- ID names counts for all.
create or replace macro routing_change(reach, only_flow) as table
select
    stated.* exclude (routing),
    stated.routing.stated_at as changed_at,
    stated.routing.mode as mode,
    lag(stated.routing.mode) over (
        partition by stated.of_tenant, stated.correlation_id, stated.flow
        order by stated.routing.stated_at, stated.routing.mode
    ) as mode_before
from (
    select
        unit.of_tenant,
        unit.correlation_id,
        unit.flow,
        unit.opened_at,
        unit.value_amount,
        unit.value_currency,
        unit.{split},
        unnest(unit.routings) as routing
    from (
        select
            held.tenant as of_tenant,
            held.correlation_id,
            held.flow,
            held.opened_at,
            held.value_amount,
            held.value_currency,
            held.routings,
            max(held.{split}) over (partition by held.tenant, held.correlation_id) as {split},
        from unit as held
        where
            in_scope(held.tenant, held.flow, reach::varchar[])
            and held.correlation_id in (
                select routed.correlation_id
                from unit as routed
                where routed.routings is not null
            )
    ) as unit
    where
        unit.routings is not null
        and (only_flow::varchar is null or unit.flow = only_flow)
) as stated
qualify mode <> mode_before;

-- unit_shifted: one row per period and unit that was routed to people and then became automated in it, in one of its
-- flows; by the first of these changes
create or replace macro unit_shifted(starts, ends, reach, only_flow, split_by) as table
select
    period.number as period,
    change.of_tenant,
    change.correlation_id,
    own_flow(only_flow, split_by, change.flow) as of_flow,
    min(change.changed_at) as closed_at,
    first(
        struct_pack(
            flow := change.flow,
            opened_at := change.opened_at,
            value_amount := change.value_amount,
            value_currency := change.value_currency,
            {split} := change.{split},
        )
        order by change.changed_at, change.flow
    ) as main
from routing_change(reach, only_flow) as change
inner join period(starts, ends) as period
    on
        change.changed_at >= period.starts_at
        and change.changed_at < period.ends_at
where
    change.mode_before = 'manual'
    and is_automated(change.mode)
group by
    period.number,
    change.of_tenant,
    change.correlation_id,
    own_flow(only_flow, split_by, change.flow);

-- unit_routed: one row per period and unit that finished in it and of which something stated how it was routed up to
-- then; automated: in each of its flows, as it was stated last
create or replace macro unit_routed(starts, ends, reach, only_flow, split_by) as table
select
    ended.period,
    ended.key,
    bool_and(is_automated(ended.mode)) as automated
from (
    select
        unit.period,
        unit.key,
        unit.of_tenant,
        unit.correlation_id,
        unit.of_flow,
        list_filter(part.routings, lambda one: one.stated_at <= unit.closed_at)[-1].mode as mode
    from unit_in_period(starts, ends, reach, only_flow, split_by) as unit
    inner join unit as part
        on
            unit.correlation_id = part.correlation_id
            and unit.of_tenant is not distinct from part.tenant
            and (unit.of_flow is null or unit.of_flow = part.flow)
            and in_scope(part.tenant, part.flow, reach::varchar[])
    where
        unit.closed
        and part.routings is not null
) as ended
where ended.mode is not null
group by
    ended.period,
    ended.key,
    ended.of_tenant,
    ended.correlation_id,
    ended.of_flow;
