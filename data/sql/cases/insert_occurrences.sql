-- one row per error record of a case
insert into case_occurrence by name
select
    new_occurrence.*,
from new_occurrence
