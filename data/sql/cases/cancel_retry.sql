-- one row per retry that is not needed any more, if it stands in one of these states
update retry
set
    state = 'cancelled',
    finished_at = $now::timestamp
where
    retry.id in (select unnest($ids::varchar[]))
    and list_contains($states::varchar[], retry.state)
