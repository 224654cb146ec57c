-- one row per session that ran out
update access_session
set
    ended_at = $now::timestamp
where
    access_session.ended_at is null
    and (access_session.expires_at <= $now::timestamp or access_session.seen_at <= $idle_since::timestamp)
returning
    access_session.id
