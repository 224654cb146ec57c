-- one row per exception behind K16: those open at the end of the period, the oldest first
with
cases as (
    select
        *,
        if(state in ('recovered', 'resolved', 'expired'), coalesce(verified_at, resolved_at), null) as closed_at,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and ($flow::varchar is null or flow = $flow)
)
select
    count(*) over () as total,
    id as case_id,
    correlation_id,
    flow,
    step,
    title,
    class,
    state,
    opened_at,
    greatest(epoch($to::timestamp - opened_at), 0) as seconds,
    value_amount,
    value_currency,
    true as counted,
from cases
where
    opened_at < $to
    and coalesce(closed_at >= $to, true)
order by
    opened_at,
    id
limit $limit
offset $offset
