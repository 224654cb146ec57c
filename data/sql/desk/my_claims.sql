-- one row: what one person holds
select
    count(*) as cases,
    min(exception_case.lease_until) as soonest_lease_end,
from exception_case
where
    exception_case.state = 'claimed'
    and exception_case.holder = $holder
