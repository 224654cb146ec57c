-- one row: whether a log record that came in lately is stored
select
    count(*) > 0 as is_stored,
from log
where
    log.ingested_at >= $since
    and log.record_id = $record_id
