-- one row per record of the asked IDs that names ID and flow, and takes the tenant from its trace
select distinct
    unnest(unit_trace.untold) as record_id,
    unit_trace.tenant,
from unit_trace
where
    unit_trace.joined
    and unit_trace.untold is not null
    and unit_trace.correlation_id in (select asked_id.correlation_id from asked_id)
