-- one row per version of a group's note, the newest first
select
    group_note.*,
from group_note
where group_note.fingerprint = $group
order by
    group_note.version desc
