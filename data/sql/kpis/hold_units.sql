-- one row per period and unit of some figures that are made together: as units over all flows (within_flow false), and
-- of each flow (true) where one flow is asked for or the figures are split by flow
create temp table board_unit as
select
    false as within_flow,
    unit.* exclude (key),
from unit_of_periods($starts, $ends, $scope, $flow, null) as unit
where $flow::varchar is null
union all by name
select
    true as within_flow,
    unit.* exclude (key),
from unit_of_periods($starts, $ends, $scope, $flow, 'flow') as unit
where
    $flow::varchar is not null
    or $by::varchar = 'flow'
