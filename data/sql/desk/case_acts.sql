-- one row per act on a case
select
    audit.*,
from audit
where audit.case_id = $id
order by
    audit.seq
