-- one row per trace with an error that arrived just before the last one
-- Others have been looked at: nothing waits longer than two minutes.
with failed as (
    select span.trace_id, span.time, span.ingested_at
    from span
    where
        span.status = 'error'
        or span.outcome = 'failed'
    union all
    select log.trace_id, log.time, log.ingested_at
    from log
    where
        log.severity_number >= 17
        and log.trace_id is not null
)

select
    failed.trace_id,
    epoch_us(min(failed.time)) as low,
    epoch_us(max(failed.time)) as high,
from failed
where failed.ingested_at >= (select max(failed.ingested_at) from failed) - interval 2 minute
group by
    failed.trace_id
