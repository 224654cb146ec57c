-- one row per worker that can retry a step within its scope, the one seen last first
select
    arg_max(worker_step.name, worker_step.announced_at) as name,
    max(worker_step.announced_at) as last_seen,
from worker_step
where
    (worker_step.flow is null or (worker_step.flow = $flow and worker_step.step = $step))
    and in_scope($tenant::varchar, $flow::varchar, worker_step.scope)
group by worker_step.worker
order by
    last_seen desc,
    name
