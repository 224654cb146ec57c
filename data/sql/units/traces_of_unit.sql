-- one row per trace that holds records of the unit, with the tenant and flow that its records take from it
select
    unit_trace.trace_id,
    any_value(unit_trace.tenant) as tenant,
    any_value(unit_trace.flow) as flow,
from unit_trace
where
    unit_trace.first_seen between $low and $high
    and unit_trace.correlation_id = $id
    and in_scope(unit_trace.tenant, unit_trace.flow, $scope::varchar[])
group by
    unit_trace.trace_id
order by
    unit_trace.trace_id
