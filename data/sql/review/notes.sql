-- one row per section of a week that has a note: the latest
select
    latest.section,
    latest.text,
    latest.actor,
    latest.written_at
from (
    select
        week_note.section,
        arg_max(week_note.text, week_note.time) as text,
        arg_max(week_note.actor, week_note.time) as actor,
        max(week_note.time) as written_at
    from week_note
    where week_note.week = $week
    group by week_note.section
) as latest
where latest.text <> ''
order by latest.section
