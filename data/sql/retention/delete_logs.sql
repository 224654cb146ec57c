-- one row per log record that is removed
delete from log
where
    log.time >= $low
    and log.time < $high
    and log.record_id in (select doomed.record_id from doomed)
