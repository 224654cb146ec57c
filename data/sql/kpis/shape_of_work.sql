-- shape_of_work Shape of work
-- meaning: How finished units ended, over time: touchless, assisted, closed by hand, failed.
-- group: outcome
-- unit: units
-- better: up
-- grain: one row per period and shape that has units
-- version: 3
-- floor: 0
-- splits: touchless, assisted, manual, failed
-- rows: units
-- counted: succeeded
-- rule: Each bar is a period of its own: a unit is in the bar in which it came to another state; bars are cut in the business time zone.
-- rule: Touchless: succeeded, and no person touched it, as K1 says.
-- rule: Assisted: succeeded, and a person touched it.
-- rule: Closed by hand: did not succeed by itself, a person closed an exception of it, and none is left open at the end of the bar.
-- rule: Failed: did not succeed, and an exception is still open or there never was one.
-- rule: Units that have not finished are in no bar. The first and the last bar may be shorter than the others.
select
    period,
    shape,
    count(*) as units
from unit_shape($starts, $ends, $scope, $flow, $by)
where $part::varchar is null or key = $part
group by
    period,
    shape
