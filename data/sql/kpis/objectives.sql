-- one row per KPI and flow that has an objective: the latest that was set
select
    kpi,
    flow,
    arg_max(struct_pack(bound := bound), set_at).bound as bound
from kpi_objective
group by
    kpi,
    flow
having arg_max(struct_pack(bound := bound), set_at).bound is not null
order by
    kpi,
    flow nulls first
