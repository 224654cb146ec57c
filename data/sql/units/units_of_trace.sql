-- one row per unit of a trace
select
    unit_trace.correlation_id,
    unit_trace.flow,
    min(unit_trace.first_seen) as first_seen,
    max(unit_trace.last_seen) as last_seen,
from unit_trace
where
    unit_trace.trace_id = $id
    and in_scope(unit_trace.tenant, unit_trace.flow, $scope::varchar[])
group by
    unit_trace.correlation_id,
    unit_trace.flow
order by
    unit_trace.correlation_id,
    unit_trace.flow
