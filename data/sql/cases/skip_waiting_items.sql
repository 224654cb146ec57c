-- one row per item of a batch that was waiting when the batch was cancelled
update batch_item
set
    state = 'skipped',
    cause = 'cancelled',
    detail = $me,
    finished_at = $now::timestamp
where
    batch_item.batch_id = $id
    and batch_item.state = 'waiting'
returning batch_item.case_id
