-- one row per trace with an error that arrived just before the process ended
select
    failed.trace_id,
    epoch_us(min(failed.time)) as low,
    epoch_us(max(failed.time)) as high,
from (
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
) as failed
where failed.ingested_at >= (select max(source.last_ingested_at) from source) - interval 2 minute
group by
    failed.trace_id
