-- one row per unit behind K1, K7, K19 or K20: those in `n`, the ones that hurt first
with
described as (
    select
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
            when 'with_error' then with_error
            when 'succeeded' then succeeded
            else completed
        end as counted
    from unit_shape([$from], [$to], $scope, $flow)
    where completed or $counted in ('succeeded', 'with_error')
)
select
    count(*) over () as total,
    described.*
from described
where
    $only_counted::boolean is null
    or counted = $only_counted
order by
    counted = ($counted = 'with_error') desc,
    closed_at desc,
    correlation_id,
    flow
limit $limit
offset $offset
