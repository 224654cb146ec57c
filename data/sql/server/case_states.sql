-- one row per state and flow
select
    exception_case.state,
    exception_case.flow,
    count(*) as cases,
from exception_case
group by
    exception_case.state,
    exception_case.flow
order by
    exception_case.flow,
    exception_case.state
