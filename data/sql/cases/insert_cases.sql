-- one row per case that is opened
insert into exception_case by name
select
    changed_case.*,
from changed_case
