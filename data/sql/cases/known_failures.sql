-- one row per ID that has a failure or a case: 64 bits of it, and when these were first and last seen first
select
    md5_number_lower(found.correlation_id) as key,
    epoch_us(min(found.low)) as low,
    epoch_us(max(found.high)) as high,
from (
    select
        failure.correlation_id,
        min(failure.time) as low,
        max(failure.time) as high,
    from failure
    group by failure.correlation_id
    union all
    select
        exception_case.correlation_id,
        min(exception_case.first_seen) as low,
        max(exception_case.first_seen) as high,
    from exception_case
    group by exception_case.correlation_id
) as found
group by found.correlation_id
