-- one row per hour with log records that are older than a moment
select
    date_trunc('hour', log.time) as hour,
    count(*) as records,
from log
where
    log.time < $before
    and (not $stripping or log.attributes is not null or log.resource is not null or log.data is not null)
group by hour
order by hour
