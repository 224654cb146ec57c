-- one row per ID beginning with the text that the text of log lines names
select
    mentioned.id,
    count(*) as lines,
    max(mentioned.time) as time,
from (
    select
        unnest(log.mentions) as id,
        log.time,
    from log
    where
        log.mentions is not null
        and in_scope(log.tenant, log.flow, $scope::varchar[])
) as mentioned
where
    starts_with(lower(mentioned.id), lower($q))
group by
    mentioned.id
order by
    time desc,
    mentioned.id
limit $limit
