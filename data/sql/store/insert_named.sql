-- one row per text and delivery that the incoming records name
insert into named_lately by name
select
    new_named.*,
from new_named
