-- What people set for a figure: its target and who answers for it.

-- one row per target or owner that was set; append-only, the latest of a KPI and flow counts
create table kpi_target (
    kpi varchar not null,
    flow varchar,                      -- null: over all flows
    target double,                     -- in the unit of the KPI; null: none
    owner varchar,
    actor varchar not null,
    set_at timestamp not null,
);
