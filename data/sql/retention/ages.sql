-- one row per class of data and age band in days: how many rows there are
select
    aged.class,
    case
        when aged.time >= $now::timestamp - interval 7 days then 0
        when aged.time >= $now::timestamp - interval 30 days then 7
        when aged.time >= $now::timestamp - interval 90 days then 30
        when aged.time >= $now::timestamp - interval 365 days then 90
        else 365
    end as from_days,
    count(*) as records,
from (
    select
        'logs' as class,
        log.time,
    from log
    union all
    select
        'spans' as class,
        span.end_time as time,
    from span
    union all
    select
        'payload' as class,
        log.time,
    from log
    where log.attributes is not null or log.resource is not null or log.data is not null
    union all
    select
        'payload' as class,
        span.end_time as time,
    from span
    where span.attributes is not null or span.resource is not null or span.events is not null
) as aged
group by
    aged.class,
    from_days
order by
    aged.class,
    from_days
