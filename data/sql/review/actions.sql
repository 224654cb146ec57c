-- one row per action, as it is now, the oldest promise first; of one week or of one id where they are given
select
    latest.id,
    latest.version,
    latest.week,
    latest.text,
    latest.owner,
    latest.due_on,
    latest.kpi,
    latest.state,
    latest.note,
    first_version.actor as created_by,
    first_version.time as created_at,
    latest.actor as changed_by,
    latest.time as changed_at
from week_action as latest
inner join week_action as first_version
    on
        latest.id = first_version.id
        and first_version.version = 1
where
    ($week::varchar is null or latest.week = $week)
    and ($id::varchar is null or latest.id = $id)
    and latest.version = (
        select max(other.version)
        from week_action as other
        where other.id = latest.id
    )
order by
    first_version.time,
    latest.id
