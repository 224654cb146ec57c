-- one row per step that a worker took retries of: what it can do where it announces nothing
select distinct
    retry.flow,
    retry.step,
from retry
where
    list_contains($flows::varchar[], retry.flow)
    and $worker in (retry.worker, regexp_replace(retry.worker, '-[0-9]+$', ''))
