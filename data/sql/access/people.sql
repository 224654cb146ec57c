-- one row per person
select
    person.*,
from person
order by
    person.name
