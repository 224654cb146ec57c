-- one row: the end of the chain
select
    audit_head.seq,
    audit_head.hash,
from audit_head
