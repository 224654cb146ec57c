-- one row per waiting retry of a case that was folded
update retry set
    state = 'cancelled',
    finished_at = $now::timestamp
where
    retry.case_id in (select new_fold.id from new_fold)
    and retry.state = 'queued'
