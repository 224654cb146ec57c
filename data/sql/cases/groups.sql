-- one row per group of exceptions with one cause: those with the most live ones first
-- what comes after a place of the list is asked by the place's own values
with of_case as (
    select
        chosen.*,
        group_of(chosen.joined_group, chosen.fingerprint) as group_id,
        list_contains($live::varchar[], chosen.state) as is_live,
    from chosen_case($scope, $chosen) as chosen
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
    where
        $is_open is null
        or $is_open = (of_group.live_cases > 0)
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
