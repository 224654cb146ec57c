-- one row per log record of `units/logs_by_correlation`, with what places it in its trace
with
traces as (
    select
        unnest($trace_ids::varchar[]) as trace_id,
        unnest($tenants::varchar[]) as tenant,
        unnest($flows::varchar[]) as flow,
)
select
    log.record_id,
    log.trace_id,
    log.span_id,
    log.service,
    log.severity_number,
    log.correlation_id,
    log.tenant,
    log.flow,
    log.step,
    log.run_id,
    log.technical_id,
    log.outcome,
    log.verdict,
    log.completes,
    log.part,
    log.instance,
    log.host,
    log.source,
from log
left join traces on log.trace_id = traces.trace_id
where
    (log.correlation_id = $id or log.run_id = $id or log.technical_id = $id or (log.correlation_id is null and traces.trace_id is not null))
    and log.ingested_at in (select unnest($deliveries::timestamp[]))
    and log.time between $low and $high
    and in_scope(coalesce(log.tenant, traces.tenant), coalesce(log.flow, traces.flow), $scope::varchar[])
