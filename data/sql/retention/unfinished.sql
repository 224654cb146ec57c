-- one row per class of data of a purge that was interrupted, or runs
select
    removal.*,
from removal
where removal.finished_at is null
order by
    removal.started_at,
    removal.class
