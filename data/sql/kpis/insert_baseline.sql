-- one row: the baseline that was set, over all flows or for one
insert into kpi_baseline by name
select
    $flow as flow,
    $name as name,
    $start::timestamp as starts_at,
    $end::timestamp as ends_at,
    $actor as actor,
    $now::timestamp as set_at
