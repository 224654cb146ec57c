-- one row: a claim of a group that lasts longer
update group_claim set lease_until = $lease_until::timestamp
where group_claim.id = $id
