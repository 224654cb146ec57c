-- one row: the flow of a marker that stands
select
    change_marker.flow
from change_marker
where
    change_marker.id = $id
    and change_marker.removed_at is null
