-- one row: a secret of a token that ends sooner
update service_token
set
    expires_at = least(service_token.expires_at, $expires_at::timestamp)
where service_token.id = $id
