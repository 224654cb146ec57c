-- one row per hold, the newest first
select
    legal_hold.*,
from legal_hold
order by
    legal_hold.set_at desc,
    legal_hold.id
