-- one row per attempt of the case's step
select
    attempt.attempt,
    attempt.started_at,
    attempt.ended_at,
    attempt.outcome,
    coalesce(attempt.error_class, retry.error_class) as error_class,  -- the worker's word, where no record says it
    attempt.error_type,
    attempt.executor,
    attempt.retry_id,
    attempt.dependency,
    attempt.idempotency_key,
    attempt.trace_id,
    attempt.span_id,
from attempt
left join retry on left(attempt.retry_id, 28) = retry.id  -- a lease's id: the retry's and 4 digits
where
    attempt.correlation_id = $correlation_id
    and attempt.flow = $flow
    and attempt.step = $step
order by
    attempt.started_at,
    attempt.attempt
