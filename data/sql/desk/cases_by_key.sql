-- one row per case of the wanted units and steps
select
    exception_case.*,
from exception_case
inner join wanted_case
    on
        exception_case.correlation_id = wanted_case.correlation_id
        and exception_case.flow = wanted_case.flow
        and exception_case.step = wanted_case.step
        and exception_case.tenant is not distinct from wanted_case.tenant
