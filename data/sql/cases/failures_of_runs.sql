-- one row per failure of the asked IDs that is of a run
select
    failure.*,
from failure
where
    failure.time between make_timestamp($low) and make_timestamp($high)
    and failure.account is not null
    and failure.correlation_id in (select asked_id.correlation_id from asked_id)
