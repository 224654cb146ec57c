-- one row per unit behind K43: those that finished in the period, the ones with a missing answer first
select
    count(*) over () as total,
    correlation_id,
    flow,
    opened_at,
    closed_at,
    who,
    what,
    steps,
    why,
    approvals,
    who and what and steps and why and approvals as counted,
    create_sort_key(
        counted, 'asc nulls last',
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_answered([$from], [$to], $scope, $flow, $by)
where
    closed
    and ($part::varchar is null or key = $part)
{page}
