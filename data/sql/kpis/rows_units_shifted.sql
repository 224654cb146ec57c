-- one row per unit behind K2: those whose routing changed from people to automation in the period, the latest first
select
    count(*) over () as total,
    correlation_id,
    main.flow,
    main.opened_at,
    closed_at,
    main.value_amount,
    main.value_currency,
    main.{split},
from unit_shifted([$from], [$to], $scope, $flow, $by)
where
    $part::varchar is null
    or split_key(
        $by, main.flow, null, null, null,
        main.{split},
    ) = $part
order by
    closed_at desc,
    correlation_id,
    main.flow
limit $limit
offset $offset
