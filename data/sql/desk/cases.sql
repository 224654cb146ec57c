-- one row per case that passes the filter: breached first, then due soonest, then by value
select
    exception_case.* exclude (stacktrace, data),
    count(*) over () as total,
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    and ($state is null or list_contains($state::varchar[], exception_case.state))
    and ($flow is null or list_contains($flow::varchar[], exception_case.flow))
    and ($class is null or list_contains($class::varchar[], exception_case.class))
    and ($severity is null or list_contains($severity::varchar[], exception_case.severity))
    and ($tenant is null or list_contains($tenant::varchar[], exception_case.tenant))
    and ($holder is null or exception_case.holder = $holder)
    and ($group is null or exception_case.fingerprint = $group)
    and (
        $text is null
        or contains(lower(exception_case.title), lower($text))
        or contains(lower(exception_case.correlation_id), lower($text))
        or contains(lower(exception_case.message), lower($text))
        or exception_case.id = $text
    )
order by
    case when exception_case.state in ('recovered', 'resolved', 'expired') then exception_case.updated_at end desc nulls first,
    exception_case.due_at nulls last,
    exception_case.value_amount desc nulls last,
    exception_case.id
limit $limit
offset $offset
