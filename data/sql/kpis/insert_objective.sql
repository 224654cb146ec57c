-- one row: the objective that was set for a KPI, of all flows or of one
insert into kpi_objective by name
select
    $kpi as kpi,
    $flow as flow,
    $bound as bound,
    $actor as actor,
    $now::timestamp as set_at
