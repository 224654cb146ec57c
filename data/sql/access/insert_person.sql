-- one row: a new person
insert into person by name
select
    $name as name,
    $state as state,
    $password_hash as password_hash,
    $issuer as issuer,
    $subject as subject,
    $now::timestamp as created_at,
    $by as created_by,
    $now::timestamp as changed_at,
