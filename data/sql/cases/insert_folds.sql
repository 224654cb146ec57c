-- one row per case that is part of another, or no failure at all
insert into folded_case by name
select
    new_fold.*,
from new_fold
