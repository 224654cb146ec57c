-- one row: which version of a mapping counts from now on
insert into mapping_use by name
select
    $name as name,
    $revision as revision,
    $version as version,
    $act as act,
    $author as changed_by,
    $now as changed_at,
    $note as note
