-- one row per group of exceptions with one cause: those with the most live ones first. A group whose live exceptions
-- all come from failures of other groups of the list is no row: it is shown under these
-- what comes after a place of the list is asked by the place's own values
with of_case as (
    select
        chosen.id,
        chosen.title,
        chosen.class,
        chosen.flow,
        chosen.holder,
        chosen.opened_at,
        chosen.first_seen,
        chosen.last_seen,
        group_of(chosen.joined_group, chosen.fingerprint) as group_id,
        list_contains($live::varchar[], chosen.state) as is_live,
    from chosen_case($scope, $chosen) as chosen
),

-- What a filter leaves out hides nothing: its victims are lines of their own.
victims as (
    select
        victim.group_id,
        count(*) as cases,
    from victim_case($scope, $live) as victim
    where
        victim.root_is_live
        and victim.id in (select of_case.id from of_case)
        and victim.root_id in (select of_case.id from of_case)
    group by
        victim.group_id
),

of_group as (
    select
        of_case.group_id as id,
        arg_max(of_case.title, struct_pack(at := of_case.last_seen, id := of_case.id)) as title,
        arg_max(of_case.class, struct_pack(at := of_case.last_seen, id := of_case.id)) as error_class,
        count(*) filter (where of_case.is_live) as live_cases,
        count(*) as all_cases,
        list_sort(list(distinct of_case.flow)) as flows,
        coalesce(
            list_sort(list(distinct of_case.holder) filter (where of_case.is_live and of_case.holder is not null)), []
        ) as holders,
        min(of_case.opened_at) filter (where of_case.is_live) as oldest,
        min(of_case.first_seen) as first_seen,
        max(of_case.last_seen) as last_seen,
        max(of_case.last_seen) filter (where not of_case.is_live) as ended_last_seen,
    from of_case
    group by
        of_case.group_id
),

asked as (
    select
        of_group.*,
        count(*) over () as total,
    from of_group
    left join victims
        on of_group.id = victims.group_id
    where
        ($is_open is null or $is_open = (of_group.live_cases > 0))
        and (of_group.live_cases = 0 or of_group.live_cases > coalesce(victims.cases, 0))
)

select asked.*
from asked
where
    $after_id is null
    or asked.live_cases < $after_live
    or (asked.live_cases = $after_live and asked.last_seen < $after_seen)
    or (asked.live_cases = $after_live and asked.last_seen = $after_seen and asked.id > $after_id)
order by
    asked.live_cases desc,
    asked.last_seen desc,
    asked.id
limit $limit
