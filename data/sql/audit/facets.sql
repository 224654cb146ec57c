-- one row per actor and per verb in the scope, the most frequent first
select
    'actor' as name,
    audit.actor as value,
    count(*) as entries,
from audit
where in_scope(audit.tenant, audit.flow, $scope::varchar[])
group by
    audit.actor
union all
select
    'verb' as name,
    audit.verb as value,
    count(*) as entries,
from audit
where in_scope(audit.tenant, audit.flow, $scope::varchar[])
group by
    audit.verb
order by
    name,
    entries desc,
    value
limit 400
