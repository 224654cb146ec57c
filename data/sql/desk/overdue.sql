-- one row per case with something whose time is up
select
    exception_case.*,
    retry.lease_until as retry_lease_until,
from exception_case
left join retry on retry.id = exception_case.retry_id
where
    (exception_case.state = 'claimed' and exception_case.lease_until <= $now)
    or (exception_case.state = 'verifying' and exception_case.verify_until <= $now)
    or (exception_case.state = 'retrying' and retry.state = 'leased' and retry.lease_until <= $now)
    or (exception_case.state = 'retrying' and retry.state = 'queued' and retry.requested_at <= $untaken)
    or (
        exception_case.state = 'open'
        and exception_case.unit_kind in ('none', 'trace', 'technical')
        and exception_case.last_seen <= $unseen
        and exception_case.updated_at <= $unseen
    )
