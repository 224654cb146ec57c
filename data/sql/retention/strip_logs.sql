-- one row per log record that loses its attributes
update log
set
    attributes = null,
    resource = null,
    data = null
where
    log.time >= $low
    and log.time < $high
    and log.record_id in (select doomed.record_id from doomed)
