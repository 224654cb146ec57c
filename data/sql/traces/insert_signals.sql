-- one row per signal, or per signal that is taken back
insert into unit_signal by name
select
    new_signal.*,
from new_signal
