-- one row per quarantined record that is to be removed
select
    quarantine.id,
from quarantine
where quarantine.received_at < $before
limit $limit
