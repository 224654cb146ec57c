-- one row per asked ID that is known with a tenant
select
    unit.correlation_id,
    list(distinct unit.tenant) as tenants,
from unit
where
    unit.tenant is not null
    and unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
group by
    unit.correlation_id
