-- one row: what a write with this key answered
insert into idempotent_write by name
select
    $key as key,
    $actor as actor,
    $request_hash as request_hash,
    $status as status,
    $body as body,
    $now::timestamp as time,
