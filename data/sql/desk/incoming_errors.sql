-- one row per incoming error record, with what the unit already told about itself
select
    incoming_log.record_id,
    incoming_log.time,
    incoming_log.severity_number,
    incoming_log.message as event,
    incoming_log.exception_message,
    incoming_log.stacktrace,
    coalesce(incoming_log.flow, incoming_log.service, incoming_log.source) as flow,
    coalesce(incoming_log.step, '') as step,
    incoming_log.correlation_id,
    incoming_log.run_id,
    incoming_log.attempt,
    incoming_log.trace_id,
    incoming_log.span_id,
    incoming_log.service,
    incoming_log.dependency,
    incoming_log.idempotent,
    incoming_log.idempotency_key,
    incoming_log.error_class,
    incoming_log.error_type,
    incoming_log.error_code,
    incoming_log.data,
    coalesce(
        try_cast(json_extract_string(incoming_log.attributes, '$."unsnag.error.value_at_risk"') as decimal(18, 4)),
        incoming_log.value_amount,
        unit.value_amount
    ) as value_amount,
    coalesce(incoming_log.value_currency, unit.value_currency) as value_currency,
    coalesce(incoming_log.tenant, unit.tenant) as tenant,
    coalesce(incoming_log.business_unit, unit.business_unit) as business_unit,
    coalesce(incoming_log.customer, unit.customer) as customer,
    coalesce(incoming_log.segment, unit.segment) as segment,
    coalesce(incoming_log.environment, unit.environment) as environment,
from incoming_log
left join unit
    on
        unit.correlation_id = incoming_log.correlation_id
        and unit.flow = incoming_log.flow
where incoming_log.severity_number >= 17
order by
    incoming_log.time,
    incoming_log.record_id
