-- one row per unit that the incoming records speak of: what is brought, and what the store holds of it (`held_unit`)
-- Every column is a minimum, a maximum or a sum, so that any order of arrival gives the same row.
-- A change of any row with a list is a delete and an insert in DuckDB. So the row is made here, which reads no table,
-- and `derive/replace_units` deletes the one before it by its place.
insert into unit by name
select
    brought.correlation_id,
    brought.flow,
    brought.tenant,
    least(held_unit.first_seen, brought.first_seen) as first_seen,
    greatest(held_unit.last_seen, brought.last_seen) as last_seen,
    least(held_unit.opened_at, brought.first_seen) as opened_at,
    greatest(held_unit.completed_at, brought.completed_at) as completed_at,
    greatest(held_unit.failed_at, brought.failed_at) as failed_at,
    least(held_unit.first_completed_at, brought.first_completed_at) as first_completed_at,
    least(held_unit.first_failed_at, brought.first_failed_at) as first_failed_at,
    least(held_unit.first_error_at, brought.first_error_at) as first_error_at,
    greatest(held_unit.ended_at, brought.ended_at) as ended_at,
    greatest(held_unit.progress_at, brought.progress_at) as progress_at,
    case
        when held_unit.place is null then brought.outcome
        when brought.stated_at >= coalesce(greatest(held_unit.completed_at, held_unit.failed_at), brought.stated_at) then brought.outcome
        when brought.outcome = 'ended' and coalesce(held_unit.outcome, 'in_flight') = 'in_flight' then 'ended'
        else held_unit.outcome
    end as outcome,
    case
        when held_unit.value_time is null or brought.value.time >= held_unit.value_time
            then coalesce(brought.value.amount, held_unit.value_amount)
        else held_unit.value_amount
    end as value_amount,
    case
        when held_unit.value_time is null or brought.value.time >= held_unit.value_time
            then coalesce(brought.value.currency, held_unit.value_currency)
        else held_unit.value_currency
    end as value_currency,
    greatest(held_unit.value_time, brought.value.time) as value_time,
    greatest(held_unit.{unit_field}, brought.{unit_field}) as {unit_field},
    least(held_unit.human_at, brought.human_at) as human_at,
    case
        when brought.human_times is null then held_unit.human_times
        else list_sort(list_distinct(list_concat(coalesce(held_unit.human_times, []), brought.human_times)))
    end as human_times,
    case
        when brought.routings is null then held_unit.routings
        else routing_stretches(list_concat(coalesce(held_unit.routings, []), brought.routings))
    end as routings,
    coalesce(held_unit.attempts, 0) + brought.attempts as attempts,
    coalesce(held_unit.failed_attempts, 0) + brought.failed_attempts as failed_attempts,
    coalesce(held_unit.errors, 0) + brought.errors as errors,
from (
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
left join held_unit
    on
        brought.correlation_id = held_unit.correlation_id
        and brought.flow = held_unit.flow
        and brought.tenant is not distinct from held_unit.tenant
returning correlation_id, epoch_us(first_seen) as begun
