-- one row per retry of these cases that waits or runs
update retry
set
    state = 'cancelled',
    finished_at = $now::timestamp
where
    retry.case_id in (select unnest($case_ids::varchar[]))
    and retry.state in ('queued', 'leased')
