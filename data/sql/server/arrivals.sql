-- one row per source, service, flow and ID that records arrived of after a moment, the latest first
with
arrived as (
    select
        log.source,
        log.service,
        log.flow,
        log.correlation_id,
        log.ingested_at,
        log.severity_number >= 17 as is_error,
    from log
    where
        log.ingested_at > $since
        and in_scope(log.tenant, log.flow, $scope::varchar[])
    union all
    select
        span.source,
        span.service,
        span.flow,
        span.correlation_id,
        span.ingested_at,
        span.status = 'error' as is_error,
    from span
    where
        span.ingested_at > $since
        and in_scope(span.tenant, span.flow, $scope::varchar[])
)
select
    arrived.source,
    arrived.service,
    arrived.flow,
    arrived.correlation_id,
    max(arrived.ingested_at) as arrived_at,
    count(*) as records,
    count(*) filter (where arrived.is_error) as errors,
from arrived
group by
    arrived.source,
    arrived.service,
    arrived.flow,
    arrived.correlation_id
order by
    arrived_at desc,
    arrived.correlation_id
limit $limit
