-- one row per group with a note: its latest version
select
    group_note.*,
from group_note
where list_contains($groups::varchar[], group_note.fingerprint)
qualify row_number() over (partition by group_note.fingerprint order by group_note.version desc) = 1
