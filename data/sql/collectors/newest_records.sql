-- one row per log record that a source brought last, the newest first
select
    strftime(log.time, '%Y-%m-%dT%H:%M:%S.%fZ') as timestamp,
    log.severity as level,
    log.message,
    log.logger,
    log.trace_id,
    log.span_id,
    log.attributes::json as attributes,
    log.resource::json as resource,
from log
where
    log.source = $source
    and log.ingested_at >= (select max(latest.ingested_at) from log as latest where latest.source = $source) - interval 1 day
order by
    log.ingested_at desc,
    log.source_offset desc
limit $limit
