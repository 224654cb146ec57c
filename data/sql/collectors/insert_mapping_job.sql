-- one row: a request to apply a mapping to earlier records
insert into mapping_job by name
select
    $id as id,
    $name as name,
    $sources::varchar[] as sources,
    $since as since,
    $now as until,
    $author as requested_by,
    'running' as state,
    timestamp '0001-01-01' as after_time,
    0 as after_record,
    $total as total,
    0 as looked_at,
    0 as changed,
    0 as quarantined,
    0 as taken
