-- one row: a version of an action
insert into week_action by name
select
    $id as id,
    $version as version,
    $week as week,
    $text as text,
    $owner as owner,
    $due_on::date as due_on,
    $kpi as kpi,
    $state as state,
    $note as note,
    $actor as actor,
    $now::timestamp as time
