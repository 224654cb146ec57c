-- one row per unit behind K1, K7, K11, K19, K20 or K23: those in `n`, the ones that hurt first
with
intervention as (
    select
        tenant as of_one,
        correlation_id as id,
        of_flow as within,
        min(marked_at) as intervened_at
    from unit_intervention($scope, $flow, $by)
    group by all
),
described as (
    select
        of_tenant,
        of_flow,
        correlation_id,
        flow,
        opened_at,
        closed_at,
        case when succeeded then 'succeeded' when completed then 'completed, unproven' else 'failed' end as outcome,
        class,
        exceptions,
        human_acts,
        failed_attempts,
        value_amount,
        value_currency,
        {split},
        case $counted
            when 'touchless' then human_acts = 0
            when 'right' then human_acts = 0 and not with_error
            when 'intervened' then coalesce(intervened_at <= closed_at, false)
            when 'with_error' then with_error
            when 'succeeded' then succeeded
            else completed
        end as counted
    from unit_shape([$from], [$to], $scope, $flow, $by) as unit
    left join intervention
        on
            unit.correlation_id = intervention.id
            and unit.of_tenant is not distinct from intervention.of_one
            and unit.of_flow is not distinct from intervention.within
    where
        (completed or $counted in ('succeeded', 'with_error'))
        and ($part::varchar is null or unit.key = $part)
)
select
    count(*) over () as total,
    described.* exclude (of_tenant, of_flow),
    create_sort_key(
        counted = ($counted in ('with_error', 'intervened')), 'desc nulls last',
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from described
where
    $only_counted::boolean is null
    or counted = $only_counted
{page}
