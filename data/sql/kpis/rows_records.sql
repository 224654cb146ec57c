-- one row per record behind K25: those that arrived in the period, the slowest first
select
    count(*) over () as total,
    correlation_id,
    flow,
    source,
    step,
    happened_at,
    ingested_at as arrived_at,
    seconds,
    ceil(seconds) <= 300 as counted,
    create_sort_key(
        seconds, 'desc nulls last',
        happened_at, 'asc nulls last',
        place_of(
            source,
            correlation_id,
            tenant,
            null
        ), 'asc nulls last',
        record_id, 'asc nulls last'
    ) as place,
from record_in_period([$from], [$to], $scope, $flow)
where
    $part::varchar is null
    or split_key(
        $by, flow, step, null, null,
        {split},
    ) = $part
{page}
