-- one row: a person
select
    person.*,
from person
where person.name = $name
