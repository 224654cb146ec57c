-- one row per link of a person that is valid no more
update access_link
set
    used_at = $now::timestamp
where
    access_link.person is not distinct from $person
    and access_link.used_at is null
returning
    access_link.created_at
