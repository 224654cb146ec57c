-- one row per entry with a number in the range, in the order of the chain, as it was sealed
select
    audit.* replace (
        audit.details::varchar as details,
        strftime(audit.time, '%Y-%m-%dT%H:%M:%S.%fZ') as time
    ),
from audit
where
    audit.seq > $after
    and audit.seq <= $after + $limit
order by
    audit.seq
