-- one row: when the units of the asked IDs begin and end, in microseconds
select
    epoch_us(min(unit.first_seen)) as low,
    epoch_us(max(unit.last_seen)) as high,
from unit
where
    unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
