-- one row per batch that runs, the oldest first
select batch.id
from batch
where batch.state = 'running'
order by
    batch.started_at,
    batch.id
