-- one row per span of `units/spans_by_correlation`, with what places it in its trace
with
traces as (
    select
        unnest($trace_ids::varchar[]) as trace_id,
        unnest($tenants::varchar[]) as tenant,
        unnest($flows::varchar[]) as flow,
)
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
left join traces on span.trace_id = traces.trace_id
where
    (span.correlation_id = $id or span.run_id = $id or span.technical_id = $id or (span.correlation_id is null and traces.trace_id is not null))
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and span.time between $low and $high
    and in_scope(coalesce(span.tenant, traces.tenant), coalesce(span.flow, traces.flow), $scope::varchar[])
