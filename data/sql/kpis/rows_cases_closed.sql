-- one row per exception behind K3: those that ended in the period, the slowest first
with
cases as (
    select
        *,
        case_closed(state, verified_at, resolved_at) as closed_at,
    from exception_case
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and is_counted(exception_case.note)
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
    opened_at,
    closed_at,
    greatest(epoch(closed_at - opened_at), 0) as seconds,
    state as outcome,
    resolution_code,
    recovered_by,
    value_amount,
    value_currency,
    true as counted,
from cases
where
    closed_at >= $from
    and closed_at < $to
order by
    seconds desc,
    id
limit $limit
offset $offset
