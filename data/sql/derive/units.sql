-- one row per unit that the incoming records speak of
-- Every column is a minimum, a maximum or a sum, so that any order of arrival gives the same row.
merge into unit
using (
    with
    signals as (
        select
            incoming_log.correlation_id,
            incoming_log.flow,
            incoming_log.time,
            incoming_log.time as end_time,
            incoming_log.outcome = 'success' as succeeded,
            incoming_log.outcome = 'failed' or incoming_log.severity_number >= 17 as failed,
            incoming_log.severity_number >= 17 as error,
            false as attempt,
            false as failed_attempt,
            incoming_log.value_amount,
            incoming_log.value_currency,
            incoming_log.tenant,
            incoming_log.business_unit,
            incoming_log.customer,
            incoming_log.segment,
            incoming_log.environment,
            incoming_log.routing,
        from incoming_log
        union all
        select
            incoming_span.correlation_id,
            incoming_span.flow,
            incoming_span.time,
            incoming_span.end_time,
            incoming_span.outcome = 'success' as succeeded,
            incoming_span.outcome = 'failed' as failed,
            false as error,
            incoming_span.role = 'step' as attempt,
            incoming_span.role = 'step' and incoming_span.status = 'error' as failed_attempt,
            incoming_span.value_amount,
            incoming_span.value_currency,
            incoming_span.tenant,
            incoming_span.business_unit,
            incoming_span.customer,
            incoming_span.segment,
            incoming_span.environment,
            incoming_span.routing,
        from incoming_span
    )
    select
        signals.correlation_id,
        signals.flow,
        min(signals.time) as first_seen,
        max(signals.end_time) as last_seen,
        max(signals.end_time) filter (where signals.succeeded) as completed_at,
        max(signals.end_time) filter (where signals.failed) as failed_at,
        max(struct_pack(
            time := signals.end_time,
            amount := signals.value_amount,
            currency := signals.value_currency
        )) filter (where signals.value_amount is not null) as value,
        max(signals.tenant) as tenant,
        max(signals.business_unit) as business_unit,
        max(signals.customer) as customer,
        max(signals.segment) as segment,
        max(signals.environment) as environment,
        max(signals.routing) as routing,
        coalesce(count_if(signals.attempt), 0) as attempts,
        coalesce(count_if(signals.failed_attempt), 0) as failed_attempts,
        coalesce(count_if(signals.error), 0) as errors,
    from signals
    where
        signals.correlation_id is not null
        and signals.flow is not null
    group by
        signals.correlation_id,
        signals.flow
) as brought
on
    unit.correlation_id = brought.correlation_id
    and unit.flow = brought.flow
when matched then update set
    first_seen = least(unit.first_seen, brought.first_seen),
    last_seen = greatest(unit.last_seen, brought.last_seen),
    opened_at = least(unit.opened_at, brought.first_seen),
    completed_at = greatest(unit.completed_at, brought.completed_at),
    failed_at = greatest(unit.failed_at, brought.failed_at),
    value_amount = case
        when unit.value_time is null or brought.value.time >= unit.value_time then coalesce(brought.value.amount, unit.value_amount)
        else unit.value_amount
    end,
    value_currency = case
        when unit.value_time is null or brought.value.time >= unit.value_time then coalesce(brought.value.currency, unit.value_currency)
        else unit.value_currency
    end,
    value_time = greatest(unit.value_time, brought.value.time),
    tenant = greatest(unit.tenant, brought.tenant),
    business_unit = greatest(unit.business_unit, brought.business_unit),
    customer = greatest(unit.customer, brought.customer),
    segment = greatest(unit.segment, brought.segment),
    environment = greatest(unit.environment, brought.environment),
    routing = greatest(unit.routing, brought.routing),
    attempts = unit.attempts + brought.attempts,
    failed_attempts = unit.failed_attempts + brought.failed_attempts,
    errors = unit.errors + brought.errors
when not matched then insert (
    correlation_id, flow, first_seen, last_seen, opened_at, completed_at, failed_at,
    value_amount, value_currency, value_time,
    tenant, business_unit, customer, segment, environment, routing,
    attempts, failed_attempts, errors
) values (
    brought.correlation_id, brought.flow, brought.first_seen, brought.last_seen, brought.first_seen,
    brought.completed_at, brought.failed_at,
    brought.value.amount, brought.value.currency, brought.value.time,
    brought.tenant, brought.business_unit, brought.customer, brought.segment, brought.environment,
    brought.routing,
    brought.attempts, brought.failed_attempts, brought.errors
)
