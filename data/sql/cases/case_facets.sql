-- one row per value of a facet among live cases
select
    facet.name,
    facet.value,
    count(*) as cases,
from exception_case
cross join lateral (
    values
        ('flow', exception_case.flow),
        ('class', exception_case.class),
        ('severity', exception_case.severity),
        ('assignee', exception_case.assignee),
        ('tenant', exception_case.tenant)
) as facet (name, value)
where
    in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
    and list_contains($live::varchar[], exception_case.state)
    and facet.value is not null
group by
    facet.name,
    facet.value
order by
    facet.name,
    facet.value
