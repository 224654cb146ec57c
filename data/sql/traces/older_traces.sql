-- one row per trace that had a record in the last two days before the running transaction: 64 bits of its id
-- A record joins for one day, and may arrive a day late.
select distinct
    ('0x' || trace_id[17:])::ubigint as key,
from span
where
    span.time >= (select max(span.time) from span) - interval 2 day
    and span.record_id not in (select incoming_span.record_id from incoming_span)
union
select distinct
    ('0x' || trace_id[17:])::ubigint as key,
from log
where
    log.trace_id is not null
    and log.time >= (select max(log.time) from log) - interval 2 day
    and log.record_id not in (select incoming_log.record_id from incoming_log)
