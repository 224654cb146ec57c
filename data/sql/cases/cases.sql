-- one row per case that passes the filter: in the order that is asked for, and then breached first, due soonest, by value
-- what is equal by all of these is ordered by what every store shares, and only then by the id
with
part as (
    select
        chosen.id,
        create_sort_key(
            $direction * case $sort
                when 'due' then epoch_us(next_due(chosen.triaged_at, chosen.triage_due_at, chosen.due_at))::double
                when 'value' then chosen.value_amount::double
                when 'age' then -epoch_us(chosen.opened_at)::double
                when 'severity' then list_position($severities::varchar[], chosen.severity)::double
                when 'seen' then chosen.occurrences::double
                when 'last' then epoch_us(chosen.last_seen)::double
                when 'attempts' then chosen.attempts::double
            end, 'asc nulls last',
            case when $sort = 'unit' and $direction > 0 then sortable(chosen.correlation_id) end, 'asc nulls last',
            case when $sort = 'unit' and $direction < 0 then sortable(chosen.correlation_id) end, 'desc nulls last',
            case when list_contains($ended::varchar[], chosen.state) then chosen.updated_at end, 'desc nulls first',
            urgent_at(chosen.state, chosen.triaged_at, chosen.triage_due_at, chosen.due_at), 'asc nulls last',
            chosen.value_amount, 'desc nulls last',
            chosen.opened_at, 'asc nulls last',
            sortable(chosen.correlation_id), 'asc nulls last',
            sortable(chosen.flow), 'asc nulls last',
            sortable(chosen.step), 'asc nulls last',
            chosen.id, 'asc nulls last'
        ) as place,
        count(*) over () as total,
    from chosen_case($scope, $chosen) as chosen
    where
        $state is null or list_contains($state::varchar[], chosen.state)
    {page}
)
select
    exception_case.* exclude (stacktrace, data),
    part.place,
    part.total,
from part
inner join exception_case on part.id = exception_case.id
order by part.place
