-- one row per incoming span of a trace of which records were removed
select
    incoming_span.record_id,
from incoming_span
where
    incoming_span.end_time < $before
    and trace_bits(incoming_span.trace_id) in (select removed_trace.key from removed_trace)
