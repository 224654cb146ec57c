-- one row per case that passes the filter: in the order that is asked for, and then breached first, due soonest, by value
-- what is equal by all of these is ordered by what every store shares, and only then by the id
-- a case has 80 columns: the rows of a page are found by what orders them, and only these are read whole, by their row ids
with
asked as not materialized (
    select
        chosen.row_id,
        chosen.id,
        chosen.value_amount,
        chosen.opened_at,
        $direction * case $sort
            when 'due' then epoch_us(next_due(chosen.triaged_at, chosen.triage_due_at, chosen.due_at))::double
            when 'value' then chosen.value_amount::double
            when 'age' then -epoch_us(chosen.opened_at)::double
            when 'severity' then list_position($severities::varchar[], chosen.severity)::double
            when 'seen' then chosen.occurrences::double
            when 'last' then epoch_us(chosen.last_seen)::double
            when 'attempts' then chosen.attempts::double
        end as wanted,
        case when $sort = 'unit' and $direction > 0 then sortable(chosen.correlation_id) end as unit_up,
        case when $sort = 'unit' and $direction < 0 then sortable(chosen.correlation_id) end as unit_down,
        case when list_contains($ended::varchar[], chosen.state) then chosen.updated_at end as ended_at,
        urgent_at(chosen.state, chosen.triaged_at, chosen.triage_due_at, chosen.due_at) as urgent,
        sortable(chosen.correlation_id) as unit,
        sortable(chosen.flow) as flow,
        sortable(chosen.step) as step,
    from chosen_case($scope, $chosen) as chosen
    where
        $state is null
        or list_contains($state::varchar[], chosen.state)
),

-- The order of case_place, word by word: a key of all cases takes as long as the rest of the statement.
part as (
    select asked.*
    from asked
    where
        $behind::blob is null
        or case_place(
            asked.wanted, asked.unit_up, asked.unit_down, asked.ended_at, asked.urgent, asked.value_amount,
            asked.opened_at, asked.unit, asked.flow, asked.step, asked.id
        ) > $behind::blob
    order by
        asked.wanted asc nulls last,
        asked.unit_up asc nulls last,
        asked.unit_down desc nulls last,
        asked.ended_at desc nulls first,
        asked.urgent asc nulls last,
        asked.value_amount desc nulls last,
        asked.opened_at asc nulls last,
        asked.unit asc nulls last,
        asked.flow asc nulls last,
        asked.step asc nulls last,
        asked.id asc nulls last
    limit $limit
    offset $offset
)

select
    exception_case.* exclude (stacktrace, data),
    case_place(
        part.wanted, part.unit_up, part.unit_down, part.ended_at, part.urgent, part.value_amount,
        part.opened_at, part.unit, part.flow, part.step, part.id
    ) as place,
    (select count(*) from asked) as total,
from part
inner join exception_case on part.row_id = exception_case.rowid
order by place
