-- one row: a class that a person named
insert into class_label by name
select
    new_class_label.*,
from new_class_label
