-- one row: what was set for a KPI
insert into kpi_target by name
select
    $kpi as kpi,
    $flow as flow,
    $target as target,
    $owner as owner,
    $actor as actor,
    $now::timestamp as set_at
