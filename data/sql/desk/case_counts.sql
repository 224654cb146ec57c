-- one row per state: cases that pass the filter, whatever their state
select
    exception_case.state,
    count(*) as cases,
    count(*) filter (where $mine is not null and exception_case.holder = $mine) as mine,
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
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
group by
    exception_case.state
