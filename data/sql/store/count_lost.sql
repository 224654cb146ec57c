-- one row per source: add what clients report in this transaction that they had to drop
update source set
    lost = coalesce(source.lost, 0) + reported.lost,
    lost_at = greatest(source.lost_at, reported.lost_at)
from (
    select
        incoming_log.source as name,
        sum(try_cast(json_extract_string(incoming_log.attributes, $field) as bigint)) as lost,
        max(incoming_log.time) as lost_at,
    from incoming_log
    where incoming_log.message = $event
    group by incoming_log.source
) as reported
where source.name = reported.name
    and reported.lost > 0
