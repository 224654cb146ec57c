-- one row: how many log records a mapping can be applied to
select count(*) as records
from log
where
    list_contains($sources::varchar[], log.source)
    and log.seq is null
    and log.time >= $since
    and log.ingested_at <= $now
