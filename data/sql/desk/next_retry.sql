-- one row: the oldest retry that waits, or whose worker was lost
select
    retry.*,
from retry
where
    retry.state = 'queued'
    and ($flows is null or list_contains($flows::varchar[], retry.flow))
order by
    retry.requested_at,
    retry.id
limit 1
