-- one row per unit of the asked IDs, in any tenant and flow
select
    unit.tenant,
    unit.correlation_id,
    unit.flow,
    unit.value_amount,
    unit.value_currency,
    unit.{case_field},
from unit
where
    unit.first_seen between make_timestamp($low) and make_timestamp($high)
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
