-- one row per act on a case
select
    audit.*,
from audit
where
    audit.case_id = $id
    and audit.kind = 'effect'
order by
    audit.seq
