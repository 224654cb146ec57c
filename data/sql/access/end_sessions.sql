-- one row per session that ends: one, or all of a person but one
update access_session
set
    ended_at = $now::timestamp
where
    access_session.ended_at is null
    and access_session.person = $person
    and ($id is null or access_session.id = $id)
    and ($but is null or access_session.id != $but)
returning
    access_session.id
