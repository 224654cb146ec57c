-- one row per case that passes the filter: in the order that is asked for, and then breached first, due soonest, by value
-- what is equal by all of these is ordered by what every store shares, and only then by the id
select
    chosen.* exclude (stacktrace, data),
    count(*) over () as total,
from chosen_case($scope, $chosen) as chosen
where
    $state is null or list_contains($state::varchar[], chosen.state)
order by
    $direction * case $sort
        when 'due' then epoch_us(next_due(chosen.triaged_at, chosen.triage_due_at, chosen.due_at))::double
        when 'value' then chosen.value_amount::double
        when 'age' then -epoch_us(chosen.opened_at)::double
        when 'severity' then list_position($severities::varchar[], chosen.severity)::double
        when 'seen' then chosen.occurrences::double
        when 'last' then epoch_us(chosen.last_seen)::double
        when 'attempts' then chosen.attempts::double
    end nulls last,
    case when $sort = 'unit' and $direction > 0 then chosen.correlation_id end nulls last,
    case when $sort = 'unit' and $direction < 0 then chosen.correlation_id end desc nulls last,
    case when list_contains($ended::varchar[], chosen.state) then chosen.updated_at end desc nulls first,
    urgent_at(chosen.state, chosen.triaged_at, chosen.triage_due_at, chosen.due_at) nulls last,
    chosen.value_amount desc nulls last,
    chosen.opened_at,
    chosen.correlation_id,
    chosen.flow,
    chosen.step,
    chosen.id
limit $limit
offset $offset
