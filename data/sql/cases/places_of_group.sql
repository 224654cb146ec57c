-- one row per tenant and flow that a group has cases of
select distinct
    exception_case.tenant,
    exception_case.flow,
from exception_case
where group_of(exception_case.joined_group, exception_case.fingerprint) = $group
