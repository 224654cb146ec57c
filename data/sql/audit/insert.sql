-- one row per new entry
insert into audit by name
select
    new_audit.*,
from new_audit
order by
    new_audit.seq
