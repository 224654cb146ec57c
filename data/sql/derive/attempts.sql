-- one row per incoming step span, and per block of a unit that is a framework's task: an attempt
insert into attempt by name
select
    incoming_span.record_id,
    incoming_span.correlation_id,
    incoming_span.flow,
    incoming_span.step,
    coalesce(incoming_span.attempt, 1) as attempt,
    incoming_span.time as started_at,
    incoming_span.end_time as ended_at,
    case when incoming_span.status = 'error' then 'error' else 'ok' end as outcome,
    incoming_span.error_class,
    incoming_span.error_type,
    incoming_span.dependency,
    incoming_span.idempotency_key,
    incoming_span.idempotent,
    incoming_span.service as executor,
    incoming_span.retry_id,
    incoming_span.trace_id,
    incoming_span.span_id,
from incoming_span
where
    (incoming_span.role = 'step' or (incoming_span.role = 'unit' and incoming_span.attempt is not null))
    and incoming_span.correlation_id is not null
    and incoming_span.flow is not null
    and incoming_span.step is not null
