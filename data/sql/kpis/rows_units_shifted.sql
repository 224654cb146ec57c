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
    create_sort_key(
        closed_at, 'desc nulls last',
        place_of(
            correlation_id,
            main.flow,
            of_tenant,
            of_flow
        ), 'asc nulls last'
    ) as place,
from unit_shifted([$from], [$to], $scope, $flow, $by)
where
    $part::varchar is null
    or split_key(
        $by, main.flow, null, null, null,
        main.{split},
    ) = $part
{page}
