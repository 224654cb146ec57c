-- one row per hold that is lifted now
update legal_hold
set
    lifted_by = $by,
    lifted_at = $now,
    lifted_because = $reason
where
    legal_hold.id = $id
    and legal_hold.lifted_at is null
