-- one row per group that is part of another, the oldest merge first
select
    group_merge.* exclude (ended_at, ended_by),
from group_merge
where group_merge.ended_at is null
order by
    group_merge.merged_at,
    group_merge.id
