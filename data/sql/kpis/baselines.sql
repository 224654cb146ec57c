-- one row per flow (null: over all flows) that has a baseline: the latest that was set
select
    flow,
    arg_max(
        struct_pack(
            name := name,
            starts_at := starts_at,
            ends_at := ends_at
        ),
        set_at
    ) as latest
from kpi_baseline
group by flow
order by flow nulls first
