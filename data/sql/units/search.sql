-- one row per thing that the text names: exact hits first, then units that begin with it
with
hits as (
    select
        'unit' as kind,
        unit.correlation_id as id,
        unit.flow as title,
        unit.last_seen as time,
        case
            when unit.outcome in ('completed_with_errors', 'completed_unproven', 'partial', 'ended') then unit.outcome
            when unit.completed_at is not null and (unit.failed_at is null or unit.completed_at >= unit.failed_at) then 'completed'
            when unit.failed_at is not null then 'failed'
            else 'in_flight'
        end as state,
        case when lower(unit.correlation_id) = lower($q) then 0 else 2 end as rank,
    from unit
    where
        starts_with(lower(unit.correlation_id), lower($q))
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
    union all
    select
        'customer' as kind,
        unit.correlation_id as id,
        unit.customer as title,
        unit.last_seen as time,
        'unit' as state,
        3 as rank,
    from unit
    where
        lower(unit.customer) = lower($q)
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
    union all
    -- what only the text of lines names has no unit
    select
        'unit' as kind,
        mentioned.id,
        'named in the text of ' || count(*) || if(count(*) = 1, ' line', ' lines') as title,
        max(mentioned.time) as time,
        'mentioned' as state,
        if(lower(mentioned.id) = lower($q), 0, 2) as rank,
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
        and not exists (
            select 1
            from unit
            where
                lower(unit.correlation_id) = lower(mentioned.id)
                and in_scope(unit.tenant, unit.flow, $scope::varchar[])
        )
    group by
        mentioned.id
    union all
    select
        'case' as kind,
        exception_case.id,
        exception_case.title,
        exception_case.last_seen as time,
        exception_case.state,
        1 as rank,
    from exception_case
    where
        exception_case.id = lower($q)
        and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
)
select
    hits.kind,
    hits.id,
    hits.title,
    hits.time,
    hits.state,
from hits
order by
    hits.rank,
    hits.time desc
limit $limit
