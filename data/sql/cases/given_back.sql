-- one row per case that somebody gave back lately: by a release, or as the lease ran out
select distinct audit.case_id as id
from audit
where
    audit.kind = 'effect'
    and audit.time >= $since
    and (
        (audit.verb = 'released' and audit.actor = $actor)
        or (audit.verb = 'expired' and audit.details ->> 'claim_of' = $actor)
    )
    and in_scope(audit.tenant, audit.flow, $scope::varchar[])
