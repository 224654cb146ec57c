-- one row per span of `units/spans_by_correlation`, with what places it in its trace
with
traces as (
    select
        unnest($trace_ids::varchar[]) as trace_id,
        unnest($tenants::varchar[]) as tenant,
        unnest($flows::varchar[]) as flow,
)
select
    span.* exclude (time, ingested_at),
from placed_span() as span
left join traces on span.trace_id = traces.trace_id
where
    (span.correlation_id = $id or span.run_id = $id or span.technical_id = $id or (span.correlation_id is null and traces.trace_id is not null))
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and span.time between $low and $high
    and in_scope(coalesce(span.tenant, traces.tenant), coalesce(span.flow, traces.flow), $scope::varchar[])
