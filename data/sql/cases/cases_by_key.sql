-- one row per case of the wanted units and steps
select
    exception_case.*,
from exception_case
    -- found by narrow columns first: a case is wide, and most cases are not wanted
where exception_case.rowid in (
    select named.rowid
    from exception_case as named
    inner join wanted_case
        on
            named.correlation_id = wanted_case.correlation_id
            and named.flow = wanted_case.flow
            and named.step = wanted_case.step
            and named.tenant is not distinct from wanted_case.tenant
    where
        named.first_seen between make_timestamp($low) and make_timestamp($high)
        and named.approval_id is null
)
