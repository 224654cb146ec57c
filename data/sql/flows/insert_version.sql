-- one row: a version of the settings of a flow
insert into flow_settings by name
select
    $of_flow as flow,
    $version as version,
    $text as text,
    $file as file,
    $author as author,
    $now::timestamp as saved_at,
    $note as note
