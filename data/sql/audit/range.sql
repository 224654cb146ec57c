-- one row: the numbers of the first and last entry of a period
select
    min(audit.seq) as first_seq,
    max(audit.seq) as last_seq,
from audit
where
    ($from is null or audit.time >= $from::timestamp)
    and ($to is null or audit.time < $to::timestamp)
