-- The shared noun of figures over records.

-- record_in_period: one row per period and log record or span that arrived in it; seconds: how long after it happened,
-- none where its clock was ahead
create or replace macro record_in_period(starts, ends, reach, only_flow) as table
select
    period.number as period,
    record.*,
    greatest(epoch(record.ingested_at - record.happened_at), 0) as seconds
from (
    select
        log.record_id,
        log.correlation_id,
        log.flow,
        log.{split},
        log.source,
        log.step,
        log.time as happened_at,
        log.ingested_at
    from log
    where
        log.ingested_at >= list_min(starts::timestamp[])
        and log.ingested_at < list_max(ends::timestamp[])
        and in_scope(log.tenant, log.flow, reach::varchar[])
        and (only_flow::varchar is null or log.flow = only_flow)
    union all
    select
        span.record_id,
        span.correlation_id,
        span.flow,
        span.{split},
        span.source,
        span.step,
        span.end_time,
        span.ingested_at
    from span
    where
        span.ingested_at >= list_min(starts::timestamp[])
        and span.ingested_at < list_max(ends::timestamp[])
        and in_scope(span.tenant, span.flow, reach::varchar[])
        and (only_flow::varchar is null or span.flow = only_flow)
) as record
inner join period(starts, ends) as period
    on
        record.ingested_at >= period.starts_at
        and record.ingested_at < period.ends_at;

-- placed_span: one row per span, with what places it in its trace (traces.record.of_rows) and little else: spans are wide
create or replace macro placed_span() as table
select
    span.record_id,
    span.trace_id,
    span.span_id,
    span.parent_span_id,
    span.service,
    span.kind,
    span.name,
    span.correlation_id,
    span.tenant,
    span.flow,
    span.step,
    span.run_id,
    span.technical_id,
    span.outcome,
    span.verdict,
    span.completes,
    span.part,
    span.instance,
    span.host,
    span.source,
    span.role,
    span.route,
    span.status,
    span.time,
    span.ingested_at
from span;
