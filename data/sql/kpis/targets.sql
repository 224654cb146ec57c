-- one row per KPI that has a target or an owner, over all flows or for one: the latest that was set
select
    kpi_target.kpi,
    arg_max(struct_pack(target := kpi_target.target, owner := kpi_target.owner), kpi_target.set_at) as latest
from kpi_target
where kpi_target.flow is not distinct from $flow
group by kpi_target.kpi
