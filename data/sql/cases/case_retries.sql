-- one row per retry of a case
select
    retry.*,
from retry
where retry.case_id = $id
order by
    retry.requested_at
