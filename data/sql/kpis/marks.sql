-- one row per target, objective or baseline that was set for a KPI, over all flows or for one, the first one first
select
    set_at,
    kind,
    number,
    name
from (
    select
        set_at,
        'target' as kind,
        target as number,
        null as name
    from kpi_target
    where
        kpi = $kpi
        and flow is not distinct from $flow
    union all
    select
        set_at,
        'objective',
        bound,
        null
    from kpi_objective
    where
        kpi = $kpi
        and flow is not distinct from $flow
    union all
    select
        set_at,
        'baseline',
        null,
        name
    from kpi_baseline
    where
        $kpi = 'K32'
        and flow is not distinct from $flow
) as change
order by
    set_at,
    kind
