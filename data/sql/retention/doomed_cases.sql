-- one row per ended case that is to lose its details
select
    exception_case.id,
    exception_case.correlation_id,
    exception_case.flow,
    exception_case.step,
    exception_case.tenant,
from exception_case
where
    list_contains($ended::varchar[], exception_case.state)
    and exception_case.updated_at < $before
    and (
        exception_case.data is not null
        or exception_case.stacktrace is not null
        or exception_case.message <> $mark
    )
    and not is_held(exception_case.correlation_id, exception_case.run_id, null, exception_case.flow, $ids, $flows)
limit $limit
