-- one row per log record of some hours that is to be removed
select
    log.record_id,
    log_bits(log.trace_id, log.correlation_id, log.run_id, log.technical_id, coalesce(log.service, log.source)) as key,
    log.time as moment,
from log
where
    log.time >= $low
    and log.time < $high
    and log.time < $before
    and (not $stripping or log.attributes is not null or log.resource is not null or log.data is not null)
    and log_bits(log.trace_id, log.correlation_id, log.run_id, log.technical_id, coalesce(log.service, log.source)) not in (select living_trace.key from living_trace)
    and not is_held(log.correlation_id, log.run_id, log.technical_id, log.flow, $ids, $flows)
    and not coalesce(list_has_any(list_transform(log.mentions, lambda name: lower(name)), $ids::varchar[]), false)
    and coalesce(log.trace_id not in (select held_trace.trace_id from held_trace), true)
limit $limit
