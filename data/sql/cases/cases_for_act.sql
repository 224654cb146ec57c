-- one row per case as acts find it
select
    exception_case.*,
from exception_case
where exception_case.id in (select unnest($ids::varchar[]))
