-- one row per claim of a group that lives, the oldest first
select
    group_claim.* exclude (ended_at),
from group_claim
where group_claim.ended_at is null
order by
    group_claim.claimed_at,
    group_claim.id
