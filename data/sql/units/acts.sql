-- one row per act on the unit's cases
select
    audit.*,
from audit
where audit.correlation_id = $correlation_id
order by
    audit.seq
