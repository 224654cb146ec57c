-- one row per log record that was changed, with the columns of incoming records
select
    log.* replace (
        log.attributes::json::varchar as attributes,
        log.resource::json::varchar as resource,
        log.data::varchar as data
    ),
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.record_id in (select changed_log.record_id from changed_log)
