-- one row: the end of the chain, after entries were appended
update audit_head
set
    seq = $seq,
    hash = $hash
