-- one row per state: cases that pass the filter, whatever their state
select
    chosen.state,
    count(*) as cases,
    count(*) filter (where $mine is not null and chosen.holder = $mine) as mine,
from chosen_case($scope, $flow, $class, $severity, $tenant, $holder, $group, $text) as chosen
group by
    chosen.state
