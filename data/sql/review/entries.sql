-- one row per win, miss and decision of a week that was not removed, the oldest first
select
    latest.id,
    latest.version,
    latest.week,
    latest.kind,
    latest.text,
    latest.why,
    latest.kpi,
    latest.actor,
    latest.time as written_at
from week_entry as latest
where
    latest.week = $week
    and latest.version = (
        select max(other.version)
        from week_entry as other
        where other.id = latest.id
    )
    and not latest.removed
order by
    latest.time,
    latest.id
