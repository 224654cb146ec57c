-- one row per incoming log record that the store holds already
select
    incoming_log.record_id,
from incoming_log
where exists (
    select 1
    from log
    where
        log.time between $low and $high
        and log.record_id = incoming_log.record_id
)
