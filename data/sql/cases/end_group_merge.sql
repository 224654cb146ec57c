-- one row: a group that is on its own again
update group_merge set ended_at = $now::timestamp, ended_by = $actor
where group_merge.id = $id
