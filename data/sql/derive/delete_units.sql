-- one row per unit of the asked IDs
delete from unit
where
    unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
