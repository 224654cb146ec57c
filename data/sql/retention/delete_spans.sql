-- one row per span that is removed
delete from span
where
    span.time >= $low
    and span.time < $high
    and span.record_id in (select doomed.record_id from doomed)
