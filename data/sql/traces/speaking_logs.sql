-- one row per log record whose text a failure shows
select
    log.* exclude (attributes, resource, data),
    log.data::varchar as data,
    json_extract_string(log.attributes::json, '$."unsnag.error.value_at_risk"') as value_at_risk,
from log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.record_id in (select speaking.record_id from speaking)
