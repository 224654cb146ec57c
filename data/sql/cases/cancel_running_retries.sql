-- one row per retry of the case that waits or runs
update retry
set
    state = 'cancelled',
    finished_at = $now::timestamp
where
    retry.case_id = $case_id
    and retry.state in ('queued', 'leased')
