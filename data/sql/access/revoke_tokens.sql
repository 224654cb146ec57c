-- one row per secret of a token that is taken back: one, or all
update service_token
set
    revoked_at = $now::timestamp
where
    service_token.name = $name
    and service_token.revoked_at is null
    and ($id is null or service_token.id = $id)
returning
    service_token.id
