-- one row: a token that was used
update service_token
set
    used_at = greatest(coalesce(service_token.used_at, $now::timestamp), $now::timestamp)
where service_token.id = $id
