-- one row per retry of a folded case that may not go on: it waits, or another of the case that stays runs already
-- Of several that could run for the case that stays its own goes on, else the one that was asked for first.
update retry set
    state = 'cancelled',
    finished_at = $now::timestamp
from (
    select
        retry.id,
        retry.state = 'queued' or new_fold.merged_into is null as is_void,
        row_number() over (
            partition by coalesce(new_fold.merged_into, retry.case_id)
            order by
                new_fold.id is not null,
                retry.state = 'queued',
                retry.requested_at,
                retry.id
        ) as place,
        new_fold.id is not null as is_folded,
    from retry
    left join new_fold on retry.case_id = new_fold.id
    where
        retry.state in ('queued', 'leased')
        and (new_fold.id is not null or retry.case_id in (select new_fold.merged_into from new_fold))
) as running
where
    retry.id = running.id
    and running.is_folded
    and (running.is_void or running.place > 1)
