-- one row per episode that ends because its case was folded
insert into case_episode
select
    exception_case.id,
    exception_case.episodes,
    'closed',
    $now::timestamp,
    new_fold.how,
    '2',
    $now::timestamp,
from new_fold
inner join exception_case on new_fold.id = exception_case.id
where exception_case.state not in ('recovered', 'resolved', 'expired')
