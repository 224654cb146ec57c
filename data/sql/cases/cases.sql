-- one row per case that passes the filter: breached first, then due soonest, then by value
select
    chosen.* exclude (stacktrace, data),
    count(*) over () as total,
from chosen_case($scope, $chosen) as chosen
where
    $state is null or list_contains($state::varchar[], chosen.state)
order by
    case when list_contains($ended::varchar[], chosen.state) then chosen.updated_at end desc nulls first,
    next_due(chosen.triaged_at, chosen.triage_due_at, chosen.due_at) nulls last,
    chosen.value_amount desc nulls last,
    chosen.id
limit $limit
offset $offset
