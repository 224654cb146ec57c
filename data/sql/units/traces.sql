-- one row per trace with a single span that meets all conditions
with
matching as (
    select distinct
        span.trace_id,
        min(span.time) over (partition by span.trace_id) as matched_at,
    from span
    where
        in_scope(span.tenant, span.flow, $scope::varchar[])
        and ($from is null or span.time >= $from)
        and ($to is null or span.time < $to)
        and ($service is null or span.service = $service)
        and ($operation is null or span.name = $operation)
        and ($min_ns is null or span.duration_ns >= $min_ns)
        and ($max_ns is null or span.duration_ns <= $max_ns)
        and list_bool_and(list_transform(
            from_json($conditions, '[{"path":"VARCHAR","value":"VARCHAR","text":"VARCHAR","raw":"VARCHAR"}]'),
            lambda wanted:
                coalesce(json_extract_string(span.attributes::json, wanted.path) = wanted.value, false)
                or coalesce(json_extract_string(span.resource::json, wanted.path) = wanted.value, false)
                or coalesce(contains(span.events::json::varchar, wanted.text), false)
                or coalesce(contains(span.events::json::varchar, wanted.raw), false)
                or coalesce(contains(span.links::json::varchar, wanted.text), false)
                or coalesce(contains(span.links::json::varchar, wanted.raw), false)
        )) is not false
),
page as (
    select
        matching.trace_id,
        create_sort_key(matching.matched_at, 'desc nulls last', matching.trace_id, 'asc nulls last') as place,
        count(*) over () as total,
    from matching
    {page}
)
select
    page.trace_id,
    min(span.time) as start,
    (epoch_us(max(span.end_time)) - epoch_us(min(span.time))) / 1000.0 as duration_ms,
    count(*) as spans,
    coalesce(arg_min(span.name, span.time) filter (where span.parent_span_id is null), arg_min(span.name, span.time)) as root,
    coalesce(arg_min(span.service, span.time) filter (where span.parent_span_id is null), arg_min(span.service, span.time)) as service,
    bool_or(span.status = 'error') as error,
    any_value(span.correlation_id) as correlation_id,
    page.place,
    any_value(page.total) as total,
from page
inner join span
    on
        span.trace_id = page.trace_id
        and in_scope(span.tenant, span.flow, $scope::varchar[])
group by
    page.trace_id,
    page.place
order by page.place
