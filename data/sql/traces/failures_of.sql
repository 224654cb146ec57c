-- one row per failure of the wanted traces as they were understood before
select
    failure.*,
from failure
where
    failure.time between make_timestamp($low) and make_timestamp($high)
    and failure.trace_id in (select wanted_trace.trace_id from wanted_trace)
