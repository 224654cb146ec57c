-- one row per step that its worker has not announced for long
delete from worker_step where worker_step.announced_at < $since::timestamp
