-- one row: a case as an act finds it
select
    exception_case.*,
from exception_case
where exception_case.id = $id
