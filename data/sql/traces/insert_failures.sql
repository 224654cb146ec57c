-- one row per failure
insert into failure by name
select
    new_failure.*,
from new_failure
