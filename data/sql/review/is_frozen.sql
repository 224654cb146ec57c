-- one row: whether a week was frozen
select count(*) > 0 as is_frozen
from frozen_week
where frozen_week.week = $week
