-- one row per ID or trace that records of these deliveries name, spelled like one of the given but for capital letters
select distinct
    named.id,
from (
    select unnest([span.correlation_id, span.run_id, span.technical_id, span.trace_id]) as id
    from span
    where
        span.ingested_at in (select unnest($deliveries::timestamp[]))
        and in_scope(span.tenant, span.flow, $scope::varchar[])
    union all
    select unnest([log.correlation_id, log.run_id, log.technical_id, log.trace_id]) as id
    from log
    where
        log.ingested_at in (select unnest($deliveries::timestamp[]))
        and in_scope(log.tenant, log.flow, $scope::varchar[])
) as named
where list_contains(list_transform($ids::varchar[], lambda spelling: lower(spelling)), lower(named.id))
