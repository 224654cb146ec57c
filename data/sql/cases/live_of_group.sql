-- one row per case of a group in these states, as an act on the group finds it
select
    exception_case.*,
from exception_case
where
    group_of(exception_case.joined_group, exception_case.fingerprint) = $group
    and list_contains($states::varchar[], exception_case.state)
order by
    exception_case.id
