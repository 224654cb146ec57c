-- one row per live case, in the order in which they were opened
select exception_case.id
from exception_case
where list_contains($live::varchar[], exception_case.state)
order by
    exception_case.opened_at,
    exception_case.id
