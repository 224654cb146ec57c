-- one row per correlation ID of which a recent success, or the last failure of a case, was timed by one of these clocks
select
    unit_signal.correlation_id,
from unit_signal
where
    unit_signal.recorded_at >= $since::timestamp
    and unit_signal.outcome = 'success'
    and list_contains($clocks::varchar[], unit_signal.clock)
union
select
    exception_case.correlation_id,
from exception_case
where
    exception_case.state <> 'resolved'
    and list_contains($clocks::varchar[], exception_case.clock)
