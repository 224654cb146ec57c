-- one row per hold that was not lifted
select
    legal_hold.kind,
    legal_hold.value,
from legal_hold
where legal_hold.lifted_at is null
