-- one row per success signal of the wanted IDs that still stands, those of single tasks included
select
    unit_signal.* exclude (change, recorded_at),
from unit_signal
where
    unit_signal.correlation_id in (select unnest($ids::varchar[]))
    and unit_signal.time >= $since::timestamp
    and (unit_signal.outcome = 'success' or (unit_signal.outcome = 'progress' and unit_signal.map_index is not null))
group by all
having sum(unit_signal.change) > 0
