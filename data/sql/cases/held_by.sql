-- one row per case that a person holds, in these states
select
    exception_case.*,
from exception_case
where
    exception_case.holder = $holder
    and list_contains($states::varchar[], exception_case.state)
order by
    exception_case.id
