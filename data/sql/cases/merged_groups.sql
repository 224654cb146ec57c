-- one row per group that is part of these groups, with the exceptions that it brought: within the scope
-- who may not see everything gets only those of which they see an exception
with brought as (
    select
        coalesce(exception_case.moved_group, exception_case.fingerprint) as source,
        count(*) as cases,
        arg_max(exception_case.title, struct_pack(at := exception_case.last_seen, id := exception_case.id)) as title,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and list_contains($groups::varchar[], group_of(exception_case.joined_group, exception_case.fingerprint))
    group by all
)

select
    group_merge.source as id,
    group_merge.target,
    group_merge.root,
    group_merge.reason,
    group_merge.actor,
    group_merge.merged_at,
    coalesce(brought.cases, 0) as cases,
    brought.title,
from group_merge
left join brought
    on group_merge.source = brought.source
where
    group_merge.ended_at is null
    and list_contains($groups::varchar[], group_merge.root)
    and (brought.cases is not null or $scope::varchar[] is null)
order by
    group_merge.merged_at,
    group_merge.id
