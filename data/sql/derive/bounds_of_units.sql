-- one row: the time that the asked IDs' units take up
select
    min(unit.first_seen) as low,
    max(unit.last_seen) as high,
from unit
where
    unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
