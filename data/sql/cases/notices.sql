-- one row per notice that a person has not seen, oldest first
select
    notice.* exclude (seen_at),
    count(*) over () as total,
from notice
where
    notice.person = $person
    and notice.seen_at is null
order by
    notice.time,
    notice.id
limit $limit
