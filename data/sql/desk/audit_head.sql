-- one row: the number of the last entry
select
    coalesce(max(audit.seq), 0) as seq,
from audit
