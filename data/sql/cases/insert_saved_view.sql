-- one row: a view of the queue, new or changed
insert into saved_view by name
select
    new_saved_view.*,
from new_saved_view
