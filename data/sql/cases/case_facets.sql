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
),

-- Cases that are alike in all of this are counted as one: there are few kinds, and five rows of each follow.
kind as (
    select
        asked.flow,
        asked.class,
        asked.severity,
        asked.tenant,
        asked.looks_after,
        asked.by_flow,
        asked.by_class,
        asked.by_severity,
        asked.by_tenant,
        asked.by_assignee,
        count(*) as cases,
    from asked
    group by all
)

select
    facet.name,
    facet.value,
    sum(kind.cases)::bigint as cases,
from kind
cross join lateral (
    values
        ('flow', kind.flow, kind.by_class and kind.by_severity and kind.by_tenant and kind.by_assignee),
        ('class', kind.class, kind.by_flow and kind.by_severity and kind.by_tenant and kind.by_assignee),
        ('severity', kind.severity, kind.by_flow and kind.by_class and kind.by_tenant and kind.by_assignee),
        ('assignee', kind.looks_after, kind.by_flow and kind.by_class and kind.by_severity and kind.by_tenant),
        ('tenant', kind.tenant, kind.by_flow and kind.by_class and kind.by_severity and kind.by_assignee)
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
