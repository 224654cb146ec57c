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
    unit.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
