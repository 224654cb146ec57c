-- one row per attempt of the case's step
select
    attempt.attempt,
    attempt.started_at,
    attempt.ended_at,
    attempt.outcome,
    attempt.error_class,
    attempt.error_type,
    attempt.executor,
    attempt.retry_id,
    attempt.dependency,
    attempt.idempotency_key,
    attempt.trace_id,
    attempt.span_id,
from attempt
where
    attempt.correlation_id = $correlation_id
    and attempt.flow = $flow
    and attempt.step = $step
order by
    attempt.started_at,
    attempt.attempt
