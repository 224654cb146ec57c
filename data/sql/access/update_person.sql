-- one row: a person after a change; null leaves a field as it is
update person
set
    state = coalesce($state, person.state),
    password_hash = coalesce($password_hash, person.password_hash),
    issuer = coalesce($issuer, person.issuer),
    subject = coalesce($subject, person.subject),
    signed_in_at = coalesce($signed_in_at::timestamp, person.signed_in_at),
    changed_at = $now::timestamp
where person.name = $name
returning
    person.name
