-- one row per field that figures are split by and value that units have in it, the most common first; 50 a field
select
    field,
    part,
    count(*) as units
from (
    select
        unnest([
            {'field': '{split}', 'part': unit.{split}},
        ], recursive := true)
    from unit
    where in_scope(unit.tenant, unit.flow, $scope::varchar[])
) as stated
where part is not null
group by
    field,
    part
qualify row_number() over (partition by field order by count(*) desc, part) <= 50
order by
    field,
    units desc,
    part
