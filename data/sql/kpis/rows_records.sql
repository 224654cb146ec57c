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
    ceil(seconds) <= 300 as counted
from record_in_period([$from], [$to], $scope, $flow)
where
    $part::varchar is null
    or split_key(
        $by, flow, step, null, null,
        {split},
    ) = $part
order by
    seconds desc,
    happened_at,
    source,
    correlation_id
limit $limit
offset $offset
