-- one row per span that names an asked ID and its flow
select
    span.* exclude (attributes, resource, events, links),
from span
where
    span.ingested_at in (select unnest($deliveries::timestamp[]))
    and span.time between $low and $high
    and span.flow is not null
    and span.correlation_id in (select asked_id.correlation_id from asked_id)
