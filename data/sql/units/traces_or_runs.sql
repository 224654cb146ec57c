-- one row per trace or run with exactly this id
select
    case when span.trace_id = $q then 'trace' else 'run' end as kind,
    $q as id,
    any_value(span.correlation_id) as title,
    min(span.time) as time,
    case when bool_or(span.status = 'error') then 'error' else 'ok' end as state,
from span
where
    (span.trace_id = $q or span.run_id = $q)
    and in_scope(span.tenant, span.flow, $scope::varchar[])
group by all
