-- one row per value of a facet: the exceptions that pass the filter, where what the facet itself chooses is left open
-- struct_update leaves the five facets open, so that each can count what the four others choose
with asked as (
    select
        chosen.*,
        assigned_or_owner(chosen.assignee, chosen.owner_team) as looks_after,
        $chosen['flow']::varchar[] is null or list_contains($chosen['flow']::varchar[], chosen.flow) as by_flow,
        $chosen['klass']::varchar[] is null or list_contains($chosen['klass']::varchar[], chosen.class) as by_class,
        $chosen['severity']::varchar[] is null
        or list_contains($chosen['severity']::varchar[], chosen.severity) as by_severity,
        $chosen['tenant']::varchar[] is null
        or coalesce(list_contains($chosen['tenant']::varchar[], chosen.tenant), false) as by_tenant,
        $chosen['assignee']::varchar[] is null
        or coalesce(list_contains($chosen['assignee']::varchar[], looks_after), false) as by_assignee,
    from
        chosen_case(
            $scope,
            struct_update(
                $chosen, flow := null, klass := null, severity := null, tenant := null, assignee := null
            )
        ) as chosen
    where list_contains($states::varchar[], chosen.state)
)

select
    facet.name,
    facet.value,
    count(*) as cases,
from asked
cross join lateral (
    values
        ('flow', asked.flow, asked.by_class and asked.by_severity and asked.by_tenant and asked.by_assignee),
        ('class', asked.class, asked.by_flow and asked.by_severity and asked.by_tenant and asked.by_assignee),
        ('severity', asked.severity, asked.by_flow and asked.by_class and asked.by_tenant and asked.by_assignee),
        ('assignee', asked.looks_after, asked.by_flow and asked.by_class and asked.by_severity and asked.by_tenant),
        ('tenant', asked.tenant, asked.by_flow and asked.by_class and asked.by_severity and asked.by_assignee)
) as facet (name, value, passes)
where
    facet.passes
    and facet.value is not null
group by
    facet.name,
    facet.value
order by
    facet.name,
    facet.value
