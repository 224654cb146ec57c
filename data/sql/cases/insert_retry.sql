-- one row: a retry that was asked for
insert into retry by name
select
    new_retry.*,
from new_retry
