-- one row per clock that was found to be off, or right again
insert into clock by name
select
    changed_clock.*,
from changed_clock
