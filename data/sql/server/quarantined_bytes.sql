-- one row: a record that could not be read, as it came
select
    quarantine.bytes,
from quarantine
where quarantine.id = $id
