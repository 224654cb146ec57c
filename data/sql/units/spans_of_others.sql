-- one row per span of another unit in traces of a unit that says where the unnamed records around it belong: the parents
-- of such records, and one span below each parent. Whatever the reader may see: what they place is shown, they are not
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
from span
where
    span.trace_id in (select unnest($trace_ids::varchar[]))
    and span.correlation_id <> $id
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
qualify
    span.span_id in (select unnest($around::varchar[]))
    or row_number() over (
        partition by span.trace_id, span.parent_span_id, span.correlation_id
        order by span.record_id
    ) = 1
