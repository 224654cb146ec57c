-- one row per stored unit of the asked IDs, with its place in the table
select
    unit.rowid as place,
    unit.*,
from unit
where
    -- found by one narrow column first: a unit is wide, and most units are not wanted
    unit.rowid in (
        select begun.rowid
        from unit as begun
        where begun.first_seen in (select make_timestamp(unnest($moments::bigint[])))
    )
    and unit.correlation_id in (select asked_id.correlation_id from asked_id)
