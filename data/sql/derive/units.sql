-- one row per unit that the incoming records speak of
-- Every column is a minimum, a maximum or a sum, so that any order of arrival gives the same row.
-- What a joined trace says of its units' ends stands in concluded_unit, of its records' tenants in told_tenant.
merge into unit
using (
    with
    spoken as (
        select
            -- a record without a trace is of its run or its request where nobody names a business ID
            coalesce(
                incoming_log.correlation_id,
                if(incoming_log.trace_id is null, coalesce(incoming_log.run_id, incoming_log.technical_id), null)
            ) as correlation_id,
            -- a record without a trace has no other to learn its flow from
            coalesce(
                incoming_log.flow,
                if(incoming_log.trace_id is null, coalesce(incoming_log.service, incoming_log.source), null)
            ) as flow,
            coalesce(incoming_log.tenant, told_tenant.tenant) as tenant,
            incoming_log.time,
            incoming_log.time as end_time,
            if(joined_trace.trace_id is null, incoming_log.outcome, null) as outcome,
            incoming_log.severity_number >= 17 as error,
            false as attempt,
            false as failed_attempt,
            incoming_log.value_amount,
            incoming_log.value_currency,
            incoming_log.business_unit,
            incoming_log.customer,
            incoming_log.segment,
            incoming_log.environment,
            incoming_log.routing,
        from incoming_log
        left join joined_trace on coalesce(incoming_log.trace_id, 'id ' || incoming_log.correlation_id) = joined_trace.trace_id
        left join told_tenant on incoming_log.record_id = told_tenant.record_id
        where
            (
                incoming_log.correlation_id is not null
                or (incoming_log.trace_id is null and coalesce(incoming_log.run_id, incoming_log.technical_id) is not null)
            )
            and (incoming_log.flow is not null or incoming_log.trace_id is null)
        union all
        select
            incoming_span.correlation_id,
            incoming_span.flow,
            coalesce(incoming_span.tenant, told_tenant.tenant) as tenant,
            incoming_span.time,
            incoming_span.end_time,
            case
                when incoming_span.outcome is not null then if(joined_trace.trace_id is null, incoming_span.outcome, null)
                -- foreign telemetry that ended well proves nothing
                when incoming_span.role is null and incoming_span.status <> 'error' then 'ended'
            end as outcome,
            false as error,
            incoming_span.role = 'step' as attempt,
            incoming_span.role = 'step' and incoming_span.status = 'error' as failed_attempt,
            incoming_span.value_amount,
            incoming_span.value_currency,
            incoming_span.business_unit,
            incoming_span.customer,
            incoming_span.segment,
            incoming_span.environment,
            incoming_span.routing,
        from incoming_span
        left join joined_trace on incoming_span.trace_id = joined_trace.trace_id
        left join told_tenant on incoming_span.record_id = told_tenant.record_id
        where
            incoming_span.correlation_id is not null
            and incoming_span.flow is not null
        union all by name
        -- a trace without any ID is a unit once its root ended
        select
            incoming_span.trace_id as correlation_id,
            coalesce(incoming_span.flow, incoming_span.service, incoming_span.source) as flow,
            incoming_span.tenant,
            incoming_span.time,
            incoming_span.end_time,
            'ended' as outcome,
            false as error,
            false as attempt,
            false as failed_attempt,
        from incoming_span
        where
            incoming_span.parent_span_id is null
            and incoming_span.role is null
            and incoming_span.outcome is null
            and incoming_span.status <> 'error'
            and incoming_span.correlation_id is null
            and incoming_span.run_id is null
            and incoming_span.technical_id is null
            and incoming_span.trace_id not in (select joined_trace.trace_id from joined_trace)
        union all by name
        select
            concluded_unit.*,
            false as error,
            false as attempt,
            false as failed_attempt,
        from concluded_unit
    )
    select
        spoken.correlation_id,
        spoken.flow,
        coalesce(spoken.tenant, sole_tenant.tenant) as tenant,
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
        coalesce(count_if(spoken.attempt), 0) as attempts,
        coalesce(count_if(spoken.failed_attempt), 0) as failed_attempts,
        coalesce(count_if(spoken.error), 0) as errors,
    from spoken
    left join sole_tenant on spoken.correlation_id = sole_tenant.correlation_id
    group by
        spoken.correlation_id,
        spoken.flow,
        coalesce(spoken.tenant, sole_tenant.tenant)
) as brought
on
    unit.correlation_id = brought.correlation_id
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
    attempts = unit.attempts + brought.attempts,
    failed_attempts = unit.failed_attempts + brought.failed_attempts,
    errors = unit.errors + brought.errors
when not matched then insert (
    correlation_id, flow, first_seen, last_seen, opened_at, completed_at, failed_at, ended_at, progress_at, outcome,
    value_amount, value_currency, value_time,
    tenant, business_unit, customer, segment, environment, routing,
    attempts, failed_attempts, errors
) values (
    brought.correlation_id, brought.flow, brought.first_seen, brought.last_seen, brought.first_seen,
    brought.completed_at, brought.failed_at, brought.ended_at, brought.progress_at, brought.outcome,
    brought.value.amount, brought.value.currency, brought.value.time,
    brought.tenant, brought.business_unit, brought.customer, brought.segment, brought.environment,
    brought.routing,
    brought.attempts, brought.failed_attempts, brought.errors
)
