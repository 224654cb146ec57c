-- one row: a version of a win, a miss or a decision
insert into week_entry by name
select
    $id as id,
    $version as version,
    $week as week,
    $kind as kind,
    $text as text,
    $why as why,
    $kpi as kpi,
    $removed as removed,
    $actor as actor,
    $now::timestamp as time
