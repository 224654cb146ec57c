-- one row: a retry that nobody has taken yet, and that is not needed any more
update retry
set
    state = 'cancelled',
    finished_at = $now::timestamp
where
    retry.id = $id
    and retry.state = 'queued'
