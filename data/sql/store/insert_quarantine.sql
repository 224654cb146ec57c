-- one row per incoming record that could not be read
insert into quarantine by name
select
    incoming_quarantine.*,
from incoming_quarantine
