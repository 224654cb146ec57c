-- one row per notice that a person has seen now
update notice set seen_at = $now::timestamp
where
    notice.person = $person
    and notice.seen_at is null
    and list_contains($ids::varchar[], notice.id)
returning notice.id
