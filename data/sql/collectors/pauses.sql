-- one row per source: the longest time between two minutes in which records of it arrived, since a moment
with arrival as (
    select
        log.source,
        date_trunc('minute', log.ingested_at) as minute,
    from log
    where log.ingested_at >= $since
    group by all
    union
    select
        span.source,
        date_trunc('minute', span.ingested_at) as minute,
    from span
    where span.ingested_at >= $since
    group by all
),

pause as (
    select
        arrival.source,
        arrival.minute - lag(arrival.minute) over (
            partition by arrival.source
            order by arrival.minute
        ) as length,
    from arrival
)

select
    pause.source,
    max(epoch(pause.length)) as longest_s,
    count(pause.length) as pauses,
from pause
group by all
