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
        'cases' as class,
        exception_case.updated_at as time,
    from exception_case
    where exception_case.message <> $mark or exception_case.data is not null or exception_case.stacktrace is not null
    union all
    select
        'quarantine' as class,
        quarantine.received_at as time,
    from quarantine
    union all
    select
        'audit' as class,
        audit.time,
    from audit
    union all
    select
        'figures' as class,
        frozen_week.frozen_at::timestamp as time,
    from frozen_week
) as aged
group by
    aged.class,
    from_days
order by
    aged.class,
    from_days
