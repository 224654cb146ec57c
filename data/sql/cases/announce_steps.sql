-- one row per step that a worker announces
merge into worker_step
using announced_step
on
    worker_step.worker = announced_step.worker
    and worker_step.flow is not distinct from announced_step.flow
    and worker_step.step is not distinct from announced_step.step
when matched then update by name
when not matched then insert by name
