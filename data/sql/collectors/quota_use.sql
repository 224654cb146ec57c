-- one row per sender and tenant that brought or was refused something on a day
select
    quota_use.day,
    quota_use.kind,
    quota_use.name,
    quota_use.records,
    quota_use.bytes,
    quota_use.refused_requests,
    quota_use.refused_records,
from quota_use
where quota_use.day = $day::date
order by
    quota_use.kind,
    quota_use.name
