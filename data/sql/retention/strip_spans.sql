-- one row per span that loses its attributes
update span
set
    attributes = null,
    resource = null,
    events = null
where
    span.time >= $low
    and span.time < $high
    and span.record_id in (select doomed.record_id from doomed)
