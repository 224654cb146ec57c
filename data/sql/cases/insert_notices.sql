-- one row per notice to a person
insert into notice by name
select
    new_notice.*,
from new_notice
