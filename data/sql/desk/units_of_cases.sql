-- one row per unit of the wanted cases' IDs, in any flow
select distinct
    unit.tenant,
    unit.correlation_id,
    unit.flow,
    unit.value_amount,
    unit.value_currency,
    unit.business_unit,
    unit.customer,
    unit.segment,
    unit.environment,
from unit
inner join wanted_case
    on
        unit.correlation_id = wanted_case.correlation_id
        and unit.tenant is not distinct from wanted_case.tenant
