-- one row per group and span of time: how many failures; hours of the last day count from 0, days before it from 24
with failed as (
    select
        group_of(exception_case.joined_group, exception_case.fingerprint) as id,
        date_diff('second', case_occurrence.time, $now::timestamp) // 3600 as hours_ago,
    from case_occurrence
    inner join exception_case
        on case_occurrence.case_id = exception_case.id
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and list_contains($groups::varchar[], group_of(exception_case.joined_group, exception_case.fingerprint))
        and case_occurrence.time > $now::timestamp - to_days($days)
        and case_occurrence.time <= $now::timestamp
)

select
    failed.id,
    case when failed.hours_ago < 24 then failed.hours_ago else 23 + failed.hours_ago // 24 end as place,
    count(*) as failures,
from failed
group by all
