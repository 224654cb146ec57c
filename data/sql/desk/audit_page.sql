-- one row per act, in the order of the chain
select
    audit.* replace (audit.details::varchar as details),
from audit
where
    audit.seq > $after
    and audit.seq <= $after + $limit
order by
    audit.seq
