-- one row per incoming log record that joins records which were removed
select
    incoming_log.record_id,
from incoming_log
where
    incoming_log.time < $before
    and log_bits(
        incoming_log.trace_id, incoming_log.correlation_id, incoming_log.run_id, incoming_log.technical_id,
        coalesce(incoming_log.service, incoming_log.source)
    ) in (select removed_trace.key from removed_trace)
