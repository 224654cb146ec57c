-- What a unit's routing was over time, what people set as objectives of flows, and baselines.

-- what records stated of the routing, by time: the first and the last of each stretch that states the same
alter table unit add column routings struct(stated_at timestamp, mode varchar)[];

update unit set routings = known.routings
from (
    select
        correlation_id,
        flow,
        tenant,
        list_sort(list_distinct(list(struct_pack(stated_at := time, mode := routing)))) as routings
    from (
        select correlation_id, flow, tenant, time, routing from log
        union all
        select correlation_id, flow, tenant, time, routing from span
    ) as record
    where
        routing is not null
        and correlation_id is not null
        and flow is not null
    group by
        correlation_id,
        flow,
        tenant
) as known
where
    unit.correlation_id = known.correlation_id
    and unit.flow = known.flow
    and unit.tenant is not distinct from known.tenant;

-- one row per objective that was set; append-only, the latest of a KPI and flow counts from when it was set
create table kpi_objective (
    kpi varchar not null,              -- K14: how long a unit may take
    flow varchar,                      -- null: of every flow that has none of its own
    bound double,                      -- in seconds; null: none
    actor varchar not null,
    set_at timestamp not null,
);

-- one row per baseline that was set; append-only, the latest of a flow counts
create table kpi_baseline (
    flow varchar,                      -- null: over all flows
    name varchar,                      -- null: it was taken away
    starts_at timestamp,
    ends_at timestamp,
    actor varchar not null,
    set_at timestamp not null,
);
