-- one row per trace and unit that was concluded
insert into unit_trace by name
select
    joined_unit.* exclude (joined),
    true as joined,
from joined_unit
