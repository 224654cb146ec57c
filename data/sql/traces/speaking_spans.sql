-- one row per span whose text a failure shows
select
    span.* exclude (attributes, resource, events, links),
from span
where
    span.time between make_timestamp($low) and make_timestamp($high)
    and span.record_id in (select speaking.record_id from speaking)
