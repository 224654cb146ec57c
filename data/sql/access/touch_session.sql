-- one row: a session that was used
update access_session
set
    seen_at = greatest(access_session.seen_at, $now::timestamp)
where access_session.id = $id
