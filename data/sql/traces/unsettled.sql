-- one row per trace with an error that may not have been looked at when the process ended: among what was stored last
-- Rows of the running transaction are numbered from far above; they do not count as the last.
-- Nothing waits longer than two minutes. The order of rows is that of arrival even where the clock was set.
with last_span as (
    select max(span.rowid) as number
    from span
    where span.record_id not in (select incoming_span.record_id from incoming_span)
),

last_log as (
    select max(log.rowid) as number
    from log
    where log.record_id not in (select incoming_log.record_id from incoming_log)
),

failed as (
    select
        span.trace_id,
        span.time,
        span.ingested_at,
        span.rowid >= (select last.number from last_span as last) - 10_000 as is_last,
    from span
    where
        span.status = 'error'
        or span.outcome = 'failed'
    union all
    select
        log.trace_id,
        log.time,
        log.ingested_at,
        log.rowid >= (select last.number from last_log as last) - 10_000 as is_last,
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
where
    failed.is_last
    or failed.ingested_at >= (select max(failed.ingested_at) from failed) - interval 2 minute
group by
    failed.trace_id
