-- one row per approval with one of these ids, of any tenant and unit
select
    exception_case.*,
from exception_case
where list_contains($ids::varchar[], exception_case.approval_id)
