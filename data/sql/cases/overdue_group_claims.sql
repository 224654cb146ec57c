-- one row per claim of a group whose time is up, or that was made while the clock was ahead
select
    group_claim.id,
from group_claim
where
    group_claim.ended_at is null
    and (group_claim.lease_until <= $now::timestamp or group_claim.lease_until > $latest_lease::timestamp)
