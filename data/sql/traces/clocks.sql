-- one row per clock that was found to be off
select
    clock.*,
from clock
