-- one row per unit that the incoming records speak of
-- Every column is a minimum, a maximum or a sum, so that any order of arrival gives the same row.
-- What is spoken of units stands in columns already (traces.units), which knows when the units of these IDs begin.
merge into unit
using (
    select
        spoken.correlation_id,
        spoken.flow,
        coalesce(spoken.tenant, spoken.given_tenant) as tenant,
        min(spoken.time) as first_seen,
        max(spoken.end_time) as last_seen,
        max(spoken.end_time) filter (where spoken.outcome in ('success', 'completed_unproven')) as completed_at,
        max(spoken.end_time) filter (where spoken.outcome in ('failed', 'partial', 'completed_with_errors')) as failed_at,
        min(spoken.end_time) filter (where spoken.outcome in ('success', 'completed_unproven')) as first_completed_at,
        min(spoken.end_time) filter (where spoken.outcome in ('failed', 'partial', 'completed_with_errors')) as first_failed_at,
        min(spoken.end_time) filter (
            where spoken.failed_attempt or spoken.outcome in ('failed', 'partial', 'completed_with_errors')
        ) as first_error_at,
        max(spoken.end_time) filter (where spoken.outcome = 'ended') as ended_at,
        max(spoken.end_time) filter (where spoken.outcome = 'progress') as progress_at,
        -- that something ended, or goes on elsewhere, never covers its stated outcome
        max(spoken.end_time) filter (where spoken.outcome not in ('ended', 'progress')) as stated_at,
        coalesce(
            arg_max(spoken.outcome, spoken.end_time) filter (where spoken.outcome not in ('ended', 'progress')),
            if(count_if(spoken.outcome = 'ended') > 0, 'ended', 'in_flight')
        ) as outcome,
        max(struct_pack(
            time := spoken.end_time,
            amount := spoken.value_amount,
            currency := spoken.value_currency
        )) filter (where spoken.value_amount is not null) as value,
        max(spoken.{unit_field}) as {unit_field},
        min(spoken.human_at) as human_at,
        list(spoken.human_at) filter (where spoken.human_at is not null) as human_times,
        list(struct_pack(stated_at := spoken.time, mode := spoken.routing)) filter (where spoken.routing is not null) as routings,
        coalesce(count_if(spoken.attempt), 0) as attempts,
        coalesce(count_if(spoken.failed_attempt), 0) as failed_attempts,
        coalesce(count_if(spoken.error), 0) as errors,
    from spoken
    group by
        spoken.correlation_id,
        spoken.flow,
        coalesce(spoken.tenant, spoken.given_tenant)
) as brought
on
    unit.first_seen between make_timestamp($low) and make_timestamp($high)
    and unit.correlation_id = brought.correlation_id
    and unit.flow = brought.flow
    and unit.tenant is not distinct from brought.tenant
when matched then update set
    first_seen = least(unit.first_seen, brought.first_seen),
    last_seen = greatest(unit.last_seen, brought.last_seen),
    opened_at = least(unit.opened_at, brought.first_seen),
    completed_at = greatest(unit.completed_at, brought.completed_at),
    failed_at = greatest(unit.failed_at, brought.failed_at),
    first_completed_at = least(unit.first_completed_at, brought.first_completed_at),
    first_failed_at = least(unit.first_failed_at, brought.first_failed_at),
    first_error_at = least(unit.first_error_at, brought.first_error_at),
    ended_at = greatest(unit.ended_at, brought.ended_at),
    progress_at = greatest(unit.progress_at, brought.progress_at),
    outcome = case
        when brought.stated_at >= coalesce(greatest(unit.completed_at, unit.failed_at), brought.stated_at) then brought.outcome
        when brought.outcome = 'ended' and coalesce(unit.outcome, 'in_flight') = 'in_flight' then 'ended'
        else unit.outcome
    end,
    value_amount = case
        when unit.value_time is null or brought.value.time >= unit.value_time then coalesce(brought.value.amount, unit.value_amount)
        else unit.value_amount
    end,
    value_currency = case
        when unit.value_time is null or brought.value.time >= unit.value_time then coalesce(brought.value.currency, unit.value_currency)
        else unit.value_currency
    end,
    value_time = greatest(unit.value_time, brought.value.time),
    {unit_field} = greatest(unit.{unit_field}, brought.{unit_field}),
    human_at = least(unit.human_at, brought.human_at),
    human_times = case
        when brought.human_times is null then unit.human_times
        else list_sort(list_distinct(list_concat(coalesce(unit.human_times, []), brought.human_times)))
    end,
    routings = case
        when brought.routings is null then unit.routings
        else routing_stretches(list_concat(coalesce(unit.routings, []), brought.routings))
    end,
    attempts = unit.attempts + brought.attempts,
    failed_attempts = unit.failed_attempts + brought.failed_attempts,
    errors = unit.errors + brought.errors
when not matched then insert (
    correlation_id, flow, first_seen, last_seen, opened_at, completed_at, failed_at, ended_at, progress_at, outcome,
    first_completed_at, first_failed_at, first_error_at,
    value_amount, value_currency, value_time,
    tenant, human_at, human_times, routings,
    {unit_field},
    attempts, failed_attempts, errors
) values (
    brought.correlation_id, brought.flow, brought.first_seen, brought.last_seen, brought.first_seen,
    brought.completed_at, brought.failed_at, brought.ended_at, brought.progress_at, brought.outcome,
    brought.first_completed_at, brought.first_failed_at, brought.first_error_at,
    brought.value.amount, brought.value.currency, brought.value.time,
    brought.tenant, brought.human_at, list_sort(list_distinct(brought.human_times)), routing_stretches(brought.routings),
    brought.{unit_field},
    brought.attempts, brought.failed_attempts, brought.errors
)
