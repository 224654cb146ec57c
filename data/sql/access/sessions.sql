-- one row per session that has not been ended
select
    access_session.*,
from access_session
where access_session.ended_at is null
order by
    access_session.created_at
