-- one row per incoming span that the store holds already
select
    incoming_span.record_id,
from incoming_span
where exists (
    select 1
    from span
    where
        span.time between $low and $high
        and span.record_id = incoming_span.record_id
)
