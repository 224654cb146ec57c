-- one row: a one-time link
insert into access_link by name
select
    $code_hash as code_hash,
    $person as person,
    $now::timestamp as created_at,
    $expires_at::timestamp as expires_at,
