-- one row per frozen week, in the order in which they were frozen
select
    frozen_week.seq,
    frozen_week.week,
    frozen_week.frozen_at,
    frozen_week.actor,
    frozen_week.content,
    frozen_week.v,
    frozen_week.salt,
    frozen_week.prev_hash,
    frozen_week.hash
from frozen_week
order by frozen_week.seq
