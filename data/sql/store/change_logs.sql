-- one row per log record that a mapping understands differently now
update log set
    {mapped_field} = changed_log.{mapped_field},
    technical_id = changed_log.technical_id,
    mentions = changed_log.mentions,
    outcome = changed_log.outcome,
    actor_type = changed_log.actor_type,
    severity_number = changed_log.severity_number,
    severity = changed_log.severity,
    error_class = changed_log.error_class,
    class_rule = changed_log.class_rule,
    peer = changed_log.peer,
    http_status = changed_log.http_status
from changed_log
where
    log.time between make_timestamp($low) and make_timestamp($high)
    and log.record_id = changed_log.record_id
