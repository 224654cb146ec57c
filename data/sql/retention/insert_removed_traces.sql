-- one row per trace of which records are removed
insert into removed_trace
select distinct
    doomed.key,
from doomed
