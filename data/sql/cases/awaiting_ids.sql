-- one row per ID about which somebody is asked
select distinct exception_case.correlation_id
from exception_case
where exception_case.state = $state
