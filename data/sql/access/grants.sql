-- one row per role that was given
select
    access_grant.*,
from access_grant
order by
    access_grant.holder,
    access_grant.role,
    access_grant.tenant nulls first,
    access_grant.flow nulls first
