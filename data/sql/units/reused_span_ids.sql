-- one row per span id of the traces that two different spans carry
select
    span.trace_id,
    span.span_id,
from span
where
    list_contains($traces::varchar[], span.trace_id)
    and span.ingested_at in (select unnest($deliveries::timestamp[]))
    and span.time between $low and $high
    and in_scope(span.tenant, span.flow, $scope::varchar[])
group by
    span.trace_id,
    span.span_id
having count(distinct span.record_id) > 1
