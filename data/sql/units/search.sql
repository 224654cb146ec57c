-- one row per thing that the text names: exact hits first, then units that begin with it
-- What an ID begins with, and of which customer it is, is asked of the newest units only.
with
newest as (
    select unit.*
    from unit
    where unit.rowid >= (select count(*) from unit) - $newest::bigint
),
hits as (
    select
        'unit' as kind,
        unit.correlation_id as id,
        unit.flow as title,
        unit.last_seen as time,
        unit_state(unit.outcome, unit.completed_at, unit.failed_at) as state,
        0 as rank,
    from unit
    where
        list_contains($ids::varchar[], unit.correlation_id)
        and unit.first_seen between make_timestamp($low) and make_timestamp($high)
        and in_scope(unit.tenant, unit.flow, $scope::varchar[])
    union all
    select
        'unit' as kind,
        newest.correlation_id as id,
        newest.flow as title,
        newest.last_seen as time,
        unit_state(newest.outcome, newest.completed_at, newest.failed_at) as state,
        2 as rank,
    from newest
    where
        starts_with(lower(newest.correlation_id), lower($q))
        and lower(newest.correlation_id) <> lower($q)
        and in_scope(newest.tenant, newest.flow, $scope::varchar[])
    union all
    select
        'customer' as kind,
        newest.correlation_id as id,
        newest.customer as title,
        newest.last_seen as time,
        'unit' as state,
        3 as rank,
    from newest
    where
        lower(newest.customer) = lower($q)
        and in_scope(newest.tenant, newest.flow, $scope::varchar[])
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
    hits.rank,
from hits
order by
    hits.rank,
    hits.time desc
limit $limit
