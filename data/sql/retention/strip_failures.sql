-- one row per failure of a case that loses its details: what joining compares stays
update failure
set details = json_merge_patch(failure.details, json_object('message', $mark::varchar, 'data', null, 'stacktrace', null))
where exists (
    select 1
    from doomed
    where
        doomed.correlation_id = failure.correlation_id
        and doomed.flow = failure.flow
        and doomed.step = failure.step
        and (failure.tenant is null or failure.tenant = doomed.tenant)
)
