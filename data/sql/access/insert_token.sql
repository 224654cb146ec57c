-- one row: a new secret of a token
insert into service_token by name
select
    $id as id,
    $name as name,
    $secret_hash as secret_hash,
    $now::timestamp as created_at,
    $by as created_by,
    $expires_at::timestamp as expires_at,
