-- one row per group and fix that worked: proven by a success, or stated by a person who repaired it
-- tried is how many exceptions a retry was finished for
with retried as (
    select
        retry.case_id,
    from retry
    where list_contains($finished::varchar[], retry.state)
    group by
        retry.case_id
),

of_case as (
    select
        group_of(exception_case.joined_group, exception_case.fingerprint) as id,
        coalesce(exception_case.resolution_code, exception_case.recovered_by) as how,
        coalesce(exception_case.verified_at, exception_case.resolved_at) as ended_at,
        exception_case.state = 'recovered' or list_contains($repaired::varchar[], exception_case.resolution_code) as worked,
        retried.case_id is not null as is_retried,
    from exception_case
    left join retried
        on exception_case.id = retried.case_id
    where
        in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
        and list_contains($groups::varchar[], group_of(exception_case.joined_group, exception_case.fingerprint))
)

select
    of_case.id,
    of_case.how,
    count(*) as worked,
    max(of_case.ended_at) as last_at,
    any_value(tried.cases) as tried,
from of_case
left join (
    select
        of_case.id,
        count(*) as cases,
    from of_case
    where of_case.is_retried
    group by
        of_case.id
) as tried
    on of_case.id = tried.id
where
    of_case.worked
    and of_case.how is not null
group by
    of_case.id,
    of_case.how
order by
    of_case.id,
    last_at desc,
    of_case.how
