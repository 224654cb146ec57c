-- one row per asked ID that is known with a tenant
select
    unit.correlation_id,
    list(distinct unit.tenant) as tenants,
from unit
where
    unit.tenant is not null
    and unit.first_seen between make_timestamp($low) and make_timestamp($high)
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
group by
    unit.correlation_id
