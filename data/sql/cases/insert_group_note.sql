-- one row: a new version of a group's note
insert into group_note by name
select
    new_group_note.*,
from new_group_note
