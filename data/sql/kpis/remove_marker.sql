-- a marker that was wrong: it is on no trend any more
update change_marker set
    removed_by = $actor,
    removed_at = $now
where id = $id
