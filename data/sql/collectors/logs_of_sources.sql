-- one row per log record of some sources that our client did not write, behind a place in order of time
select
    log.record_id,
    log.time,
    log.source,
    log.message,
    log.logger,
    log.service,
    log.trace_id,
    log.span_id,
    log.error_type,
    log.error_code,
    log.exception_message,
    log.stacktrace,
    log.severity_number,
    log.severity,
    log.error_class,
    log.class_rule,
    log.peer,
    log.http_status,
    log.technical_id,
    log.mentions,
    log.outcome,
    log.actor_type,
    log.{mapped_field},
    log.attributes::json::varchar as attributes,
    log.resource::json::varchar as resource,
from log
where
    list_contains($sources::varchar[], log.source)
    and log.seq is null
    and log.time >= $since
    and log.ingested_at <= $until
    and (log.time, log.record_id) > ($after_time, $after_record::ubigint)
order by
    log.time,
    log.record_id
limit $limit
