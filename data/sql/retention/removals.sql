-- one row per class of data of a purge, the newest first
select
    removal.*,
from removal
order by
    removal.started_at desc,
    removal.class
limit $limit
