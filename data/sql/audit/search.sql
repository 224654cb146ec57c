-- one row per entry that passes the filter and lies in the scope, newest first
with
part as (
    select
        audit.seq,
        create_sort_key(audit.seq, 'desc nulls last') as place,
        count(*) over () as total,
    from audit
    where
        in_scope(audit.tenant, audit.flow, $scope::varchar[])
        and ($kind is null or audit.kind = $kind)
        and ($actor is null or audit.actor = $actor)
        and ($verb is null or audit.verb = $verb)
        and ($flow is null or audit.flow = $flow)
        and ($from is null or audit.time >= $from::timestamp)
        and ($to is null or audit.time < $to::timestamp)
        and (
            $text is null
            or audit.correlation_id = $text
            or audit.case_id = $text
            or audit.subject = $text
            or audit.act = $text
            or contains(lower(audit.reason), lower($text))
            or contains(lower(audit.details::varchar), lower($text))
        )
    {page}
)
select
    audit.* replace (
        audit.details::varchar as details,
        strftime(audit.time, '%Y-%m-%dT%H:%M:%S.%fZ') as time
    ),
    part.place,
    part.total,
from part
inner join audit on part.seq = audit.seq
order by part.place
