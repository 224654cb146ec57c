-- one row per end of a unit of these IDs since a time that still stands, the earliest first
select
    unit_signal.tenant,
    unit_signal.flow,
    unit_signal.correlation_id,
    unit_signal.outcome,
    unit_signal.part,
    unit_signal.final,
    unit_signal.time,
from unit_signal
where
    unit_signal.correlation_id in (select unnest($ids::varchar[]))
    and unit_signal.time >= $since::timestamp
    and list_contains($outcomes::varchar[], unit_signal.outcome)
group by all
having sum(unit_signal.change) > 0
order by
    unit_signal.time,
    unit_signal.outcome,
    unit_signal.part
