-- one row per case with something whose time is up
with
pauses as (
    -- the longest pause of a worker that may still come for the retry
    select
        exception_case.id,
        max(worker_gap.ended_at - worker_gap.began_at) as longest,
    from exception_case
    inner join worker_step
        on
            (worker_step.flow is null or (worker_step.flow = exception_case.flow and worker_step.step = exception_case.step))
            and in_scope(exception_case.tenant, exception_case.flow, worker_step.scope)
    inner join worker_gap
        on
            worker_step.worker = worker_gap.worker
            and worker_step.flow is not distinct from worker_gap.flow
            and worker_step.step is not distinct from worker_gap.step
    where
        exception_case.state = 'retrying'
        and worker_step.announced_at >= $announced::timestamp
        and worker_gap.ended_at >= $gaps_since::timestamp
    group by exception_case.id
)
select
    exception_case.*,
    retry.lease_until as retry_lease_until,
from exception_case
left join retry on retry.id = exception_case.retry_id
left join pauses on exception_case.id = pauses.id
where
    (exception_case.state = 'claimed' and exception_case.lease_until <= $now)
    or (
        exception_case.state = 'claimed'
        and (exception_case.claimed_at > $latest_claim or exception_case.lease_until > $latest_lease)
    )
    or (exception_case.state = 'open' and exception_case.snoozed_until <= $now)
    or (exception_case.state = 'verifying' and exception_case.verify_until <= $now)
    or (exception_case.state = 'retrying' and retry.state = 'leased' and retry.lease_until <= $now)
    or (
        exception_case.state = 'retrying'
        and retry.state = 'queued'
        and retry.requested_at + greatest(to_seconds($untaken), pauses.longest) <= $now::timestamp
    )
    or (
        exception_case.state = 'open'
        and exception_case.unit_kind in ('none', 'trace', 'technical')
        and exception_case.snoozed_until is null
        and exception_case.last_seen <= $unseen
        and exception_case.updated_at <= $unseen
    )
