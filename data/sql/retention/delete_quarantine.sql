-- one row per quarantined record that is removed
delete from quarantine
where quarantine.id in (select doomed.id from doomed)
