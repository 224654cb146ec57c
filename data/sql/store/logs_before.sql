-- one row per log record that is to be changed, as it is
select
    log.* exclude (attributes, resource, data),
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.record_id in (select changed_log.record_id from changed_log)
