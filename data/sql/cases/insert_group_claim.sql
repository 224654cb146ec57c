-- one row: a new claim of a group
insert into group_claim by name
select
    new_group_claim.*,
from new_group_claim
