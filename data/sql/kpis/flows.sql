-- one row per flow that ever had a unit or an exception
with
seen as (
    select
        flow,
        opened_at,
    from unit
    union all
    select
        flow,
        opened_at,
    from exception_case
)
select
    flow,
    min(opened_at) as began_at,
from seen
group by flow
order by flow
