-- one row per state and flow
select
    retry.state,
    retry.flow,
    count(*) as retries,
from retry
group by
    retry.state,
    retry.flow
order by
    retry.flow,
    retry.state
