-- one row per pair of groups of which live exceptions of one come from the other, and one of both is asked for:
-- how many, and what shows it of the one that failed last
with pair as (
    select
        victim.root_group,
        victim.group_id,
        victim.root_is_live,
        count(*) as cases,
        arg_max(victim.id, struct_pack(at := victim.last_seen, id := victim.id)) as id,
        arg_max(victim.root_id, struct_pack(at := victim.last_seen, id := victim.id)) as root_id,
        arg_max(victim.cause, struct_pack(at := victim.last_seen, id := victim.id)) as cause,
    from victim_case($scope, $live) as victim
    where
        list_contains($groups::varchar[], victim.root_group)
        or list_contains($groups::varchar[], victim.group_id)
    group by
        victim.root_group,
        victim.group_id,
        victim.root_is_live
)

select
    pair.root_group,
    pair.group_id,
    pair.root_is_live,
    pair.cases,
    latest.title,
    latest.class as error_class,
    root.title as root_title,
    root.class as root_class,
    struct_pack(
        caller := latest.service,
        service := root.service,
        error_type := failed.error_type,
        message := failed.message,
        trace_id := failed.trace_id,
        case_id := root.id
    ) as evidence,
from pair
inner join exception_case as latest
    on pair.id = latest.id
inner join exception_case as root
    on pair.root_id = root.id
inner join case_occurrence as failed
    on pair.cause = failed.record_id
order by
    pair.cases desc,
    pair.group_id,
    pair.root_group
