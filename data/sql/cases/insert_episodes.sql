-- one row per opening or closing of a case
insert into case_episode by name
select
    new_episode.*,
from new_episode
