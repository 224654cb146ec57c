-- one row: a batch that was frozen
insert into batch by name
select
    new_batch.*,
from new_batch
