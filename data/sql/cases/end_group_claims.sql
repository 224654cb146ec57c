-- one row per claim of a group that ends now
update group_claim set ended_at = $now::timestamp
where
    group_claim.ended_at is null
    and list_contains($ids::varchar[], group_claim.id)
