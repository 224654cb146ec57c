-- one row per open block of a unit whose last sign of life (start, heartbeat) arrived in the given time
with block as (
    select
        log.trace_id,
        log.span_id,
        arg_max(log.record_id, struct_pack(time := log.time, seq := log.seq, record_id := log.record_id)) as record_id,
        bool_or(log.message = 'unit.heartbeat') as beats,
        max(log.ingested_at) as heard_at,
    from log
    where
        log.ingested_at > $since
        and log.message in ('unit.started', 'unit.heartbeat')
        and log.seq is not null
        and log.trace_id is not null
        and log.span_id is not null
    group by
        log.trace_id,
        log.span_id
    having max(log.ingested_at) <= $until
)

select
    log.trace_id,
    log.record_id,
    epoch_us(log.time) as time,
    block.beats,
    list_contains($followed::varchar[], log.source) as followed,
    json_extract_string(log.attributes::json, '$."process.pid"')::bigint as pid,
    json_extract_string(log.attributes::json, '$."host.name"') as host,
    json_extract_string(log.attributes::json, '$."unsnag.process.namespace"') as namespace,
from block
inner join log on log.record_id = block.record_id and log.trace_id = block.trace_id
where
    log.ingested_at > $since
    and not exists (
        select 1
        from span
        where
            span.trace_id = block.trace_id
            and span.span_id = block.span_id
            and span.ingested_at > $since
    )
