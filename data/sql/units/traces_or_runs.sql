-- one row per trace or run with exactly this id
select
    case when span.trace_id = lower($q) then 'trace' else 'run' end as kind,
    any_value(if(span.trace_id = lower($q), span.trace_id, span.run_id)) as id,
    any_value(span.correlation_id) as title,
    min(span.time) as time,
    case when bool_or(span.status = 'error') then 'error' else 'ok' end as state,
from span
where
    (span.trace_id = lower($q) or lower(span.run_id) = lower($q))
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and in_scope(span.tenant, span.flow, $scope::varchar[])
group by all
