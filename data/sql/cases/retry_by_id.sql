-- one row: a retry
select
    retry.*,
from retry
where retry.id = $id
