-- one row: a deploy or another change of the automations
insert into change_marker by name
select
    $id as id,
    $kind as kind,
    $flow as flow,
    $text as text,
    $version as version,
    $link as link,
    $happened_at::timestamp as happened_at,
    $actor as actor,
    $now::timestamp as set_at
