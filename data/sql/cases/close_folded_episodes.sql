-- one row per episode that ends because its case was folded
insert into case_episode by name
select
    exception_case.id as case_id,
    exception_case.episodes as episode,
    'closed' as change,
    $now::timestamp as time,
    new_fold.how,
    '2' as rule,
    $now::timestamp as recorded_at,
from new_fold
inner join exception_case on new_fold.id = exception_case.id
where list_contains($live::varchar[], exception_case.state)
