-- one row: a version of a mapping
insert into mapping_version by name
select
    $name as name,
    $version as version,
    $text as text,
    $author as author,
    $now as saved_at,
    $note as note,
    $previous as previous
