-- one row per act on the unit's cases
select
    audit.*,
from audit
where
    audit.correlation_id = $correlation_id
    and audit.time >= $since
    and audit.kind = 'effect'
    and in_scope(audit.tenant, audit.flow, $scope::varchar[])
order by
    audit.seq
