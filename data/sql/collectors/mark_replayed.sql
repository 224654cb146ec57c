-- one row per quarantined record: what became of it when it was read again
update quarantine set
    replayed_at = $now::timestamp,
    replay_result = $result::varchar
where quarantine.id = $id
