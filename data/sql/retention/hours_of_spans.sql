-- one row per hour with spans that are older than a moment
select
    date_trunc('hour', span.time) as hour,
    count(*) as records,
from span
where
    span.end_time < $before
    and (not $stripping or span.attributes is not null or span.resource is not null or span.events is not null)
group by hour
order by hour
