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
        max(spoken.end_time) filter (where spoken.outcome = 'ended') as ended_at,
        max(spoken.end_time) filter (where spoken.outcome = 'progress') as progress_at,
        -- that something ended, or goes on elsewhere, never covers what was said of it
        max(spoken.end_time) filter (where spoken.outcome not in ('ended', 'progress')) as said_at,
        coalesce(
            arg_max(spoken.outcome, spoken.end_time) filter (where spoken.outcome not in ('ended', 'progress')),
            if(count_if(spoken.outcome = 'ended') > 0, 'ended', 'in_flight')
        ) as outcome,
        max(struct_pack(
            time := spoken.end_time,
            amount := spoken.value_amount,
            currency := spoken.value_currency
        )) filter (where spoken.value_amount is not null) as value,
        max(spoken.business_unit) as business_unit,
        max(spoken.customer) as customer,
        max(spoken.segment) as segment,
        max(spoken.environment) as environment,
        max(spoken.routing) as routing,
        min(spoken.human_at) as human_at,
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
    ended_at = greatest(unit.ended_at, brought.ended_at),
    progress_at = greatest(unit.progress_at, brought.progress_at),
    outcome = case
        when brought.said_at >= coalesce(greatest(unit.completed_at, unit.failed_at), brought.said_at) then brought.outcome
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
    business_unit = greatest(unit.business_unit, brought.business_unit),
    customer = greatest(unit.customer, brought.customer),
    segment = greatest(unit.segment, brought.segment),
    environment = greatest(unit.environment, brought.environment),
    routing = greatest(unit.routing, brought.routing),
    human_at = least(unit.human_at, brought.human_at),
    attempts = unit.attempts + brought.attempts,
    failed_attempts = unit.failed_attempts + brought.failed_attempts,
    errors = unit.errors + brought.errors
when not matched then insert (
    correlation_id, flow, first_seen, last_seen, opened_at, completed_at, failed_at, ended_at, progress_at, outcome,
    value_amount, value_currency, value_time,
    tenant, business_unit, customer, segment, environment, routing, human_at,
    attempts, failed_attempts, errors
) values (
    brought.correlation_id, brought.flow, brought.first_seen, brought.last_seen, brought.first_seen,
    brought.completed_at, brought.failed_at, brought.ended_at, brought.progress_at, brought.outcome,
    brought.value.amount, brought.value.currency, brought.value.time,
    brought.tenant, brought.business_unit, brought.customer, brought.segment, brought.environment,
    brought.routing, brought.human_at,
    brought.attempts, brought.failed_attempts, brought.errors
)
