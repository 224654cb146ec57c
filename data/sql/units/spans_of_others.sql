-- one row per span of another unit that says whether unnamed records in traces of a unit are its own: their parents, and
-- one span below each parent, as one is enough to know that several units are below it
-- without a scope: these rows are not shown
select
    span.* exclude (time, ingested_at),
from placed_span() as span
where
    span.trace_id in (select unnest($trace_ids::varchar[]))
    and span.correlation_id <> $id
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
qualify
    span.span_id in (select unnest($around::varchar[]))
    or row_number() over (
        partition by span.trace_id, span.parent_span_id
        order by span.record_id
    ) = 1
