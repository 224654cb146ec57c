-- one row: a session that begins
insert into access_session by name
select
    $id as id,
    $secret_hash as secret_hash,
    $person as person,
    $method as method,
    $agent as agent,
    $address as address,
    $now::timestamp as created_at,
    $expires_at::timestamp as expires_at,
    $now::timestamp as seen_at,
