-- one row per currency that units of a week carry: at risk when it began and when it ended, and recovered in it
with
amount as (
    select
        value_currency,
        value_amount,
        case when period = 1 then 'start' else 'open' end as place
    from unit_at_risk([$from, $to], [$from, $to], $scope, $flow, $by)
    where $part::varchar is null or key = $part
    union all
    select
        value_currency,
        value_amount,
        recovered_by
    from unit_recovered([$from], [$to], $scope, $flow, $by)
    where
        not in_flight
        and ($part::varchar is null or key = $part)
)
select
    value_currency as currency,
    coalesce(sum(value_amount) filter (where place = 'start'), 0)::decimal(38, 4) as at_start,
    coalesce(sum(value_amount) filter (where place = 'automatic'), 0)::decimal(38, 4) as automatic,
    coalesce(sum(value_amount) filter (where place = 'people'), 0)::decimal(38, 4) as people,
    coalesce(sum(value_amount) filter (where place = 'open'), 0)::decimal(38, 4) as still_open,
    count(*) filter (where place = 'start') as units_at_start,
    count(*) filter (where place = 'automatic') as units_automatic,
    count(*) filter (where place = 'people') as units_people,
    count(*) filter (where place = 'open') as units_open
from amount
group by value_currency
order by
    sum(rough_value(value_amount, value_currency)) desc nulls last,
    count(*) desc,
    value_currency
