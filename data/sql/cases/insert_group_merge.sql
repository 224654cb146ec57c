-- one row: a group that is part of another now
insert into group_merge by name
select
    new_group_merge.*,
from new_group_merge
