-- one row per person or token whose roles or state are other than the last entries about them say
with
given as (
    select
        access_grant.holder,
        list_sort(list(
            case
                when access_grant.tenant is null and access_grant.flow is null then access_grant.role
                else access_grant.role || ' of ' || coalesce(access_grant.tenant, '*') || '/' || coalesce(access_grant.flow, '*')
            end
        )) as roles,
    from access_grant
    group by access_grant.holder
),
recorded as (
    select
        audit.subject as holder,
        arg_max(audit.seq, audit.seq) filter (where list_contains($gives::varchar[], audit.verb)) as seq,
        arg_max(
            case
                -- an entry of an earlier version names no role
                when audit.verb = 'first admin' then ['admin']
                else list_sort(coalesce(
                    try_cast(audit.details -> '$.to' as varchar[]),
                    try_cast(audit.details -> '$.roles' as varchar[]),
                    []
                ))
            end,
            audit.seq
        ) filter (where list_contains($gives::varchar[], audit.verb)) as roles,
        arg_max(audit.verb, audit.seq) filter (where audit.verb in ('person disabled', 'person enabled')) as last_change,
        arg_max(audit.seq, audit.seq) filter (where audit.verb in ('person disabled', 'person enabled')) as changed_by,
    from audit
    where
        audit.kind = 'effect'
        and audit.subject is not null
    group by audit.subject
)
select
    coalesce(given.holder, recorded.holder) as holder,
    coalesce(given.roles, []) as roles,
    coalesce(recorded.roles, []) as recorded_roles,
    recorded.seq,
    person.state,
    recorded.last_change,
    recorded.changed_by,
    count(*) over () as total,
from given
full join recorded on given.holder = recorded.holder
left join person on 'person:' || person.name = coalesce(given.holder, recorded.holder)
where
    coalesce(given.roles, []) <> coalesce(recorded.roles, [])
    or (person.state = 'disabled') <> (coalesce(recorded.last_change, '') = 'person disabled')
order by coalesce(given.holder, recorded.holder)
limit $limit
