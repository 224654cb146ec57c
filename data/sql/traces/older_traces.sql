-- one row per trace with a record in a span of time that was stored before the running transaction: 64 bits of its id
-- What stands in place of a trace, an ID, is known by the same 64 bits as in traces/known.py.
select distinct
    ('0x' || span.trace_id[17:])::ubigint as key,
from span
where
    span.end_time >= make_timestamp($low)
    and span.time < make_timestamp($high)
    and span.record_id not in (select incoming_span.record_id from incoming_span)
union
select distinct
    ('0x' || log.trace_id[17:])::ubigint as key,
from log
where
    log.trace_id is not null
    and log.time >= make_timestamp($low)
    and log.time < make_timestamp($high)
    and log.record_id not in (select incoming_log.record_id from incoming_log)
union
select distinct
    md5_number_lower('id ' || coalesce(log.correlation_id, log.run_id, log.technical_id)) as key,
from log
where
    log.trace_id is null
    and (
        log.severity_number >= 17
        or log.outcome is not null
    )
    and coalesce(log.correlation_id, log.run_id, log.technical_id) is not null
    and log.time >= make_timestamp($low)
    and log.time < make_timestamp($high)
    and log.record_id not in (select incoming_log.record_id from incoming_log)
