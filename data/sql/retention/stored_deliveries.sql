-- one row per delivery of which records are left
select distinct
    log.ingested_at,
from log
where log.ingested_at < $before
union
select distinct
    span.ingested_at,
from span
where span.ingested_at < $before
