-- one row: how far a request to apply a mapping is
update mapping_job set
    after_time = coalesce($after_time, mapping_job.after_time),
    after_record = coalesce($after_record, mapping_job.after_record),
    looked_at = mapping_job.looked_at + $records,
    changed = mapping_job.changed + $changed,
    quarantined = mapping_job.quarantined + $quarantined,
    taken = mapping_job.taken + $taken,
    state = coalesce($state, mapping_job.state),
    error = $error,
    finished_at = if($state is null, null, $now)
where mapping_job.id = $id
