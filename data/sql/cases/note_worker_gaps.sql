-- one row per announced step whose worker comes back from a long pause
insert into worker_gap by name
select
    worker_step.worker,
    worker_step.flow,
    worker_step.step,
    worker_step.announced_at as began_at,
    announced_step.announced_at as ended_at,
from worker_step
inner join announced_step
    on
        worker_step.worker = announced_step.worker
        and worker_step.flow is not distinct from announced_step.flow
        and worker_step.step is not distinct from announced_step.step
where
    -- while the server was away nobody could be seen
    worker_step.announced_at >= $started::timestamp
    and announced_step.announced_at - worker_step.announced_at >= to_seconds($untaken)
