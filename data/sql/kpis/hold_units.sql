-- one row per period and unit of some figures that are made together: as a unit over all flows, and of each flow where
-- that is another one; of the asked flow alone where there is one
create temp table board_unit as
with
part as materialized (
    select * from unit_part($starts, $ends, $scope, $flow, null)
),
grouped as materialized (
    select * from part
    union all
    select part.* replace (part.flow as of_flow)
    from part
    where
        part.of_flow is null
        and not part.in_one_flow
)
select unit.* exclude (key)
from unit_of_parts('grouped', $starts, $ends, null) as unit
