-- one row per item of a batch that is finished
update batch_item
set
    state = finished_item.state,
    cause = finished_item.cause,
    detail = finished_item.detail,
    act = finished_item.act,
    finished_at = finished_item.finished_at
from finished_item
where
    batch_item.batch_id = finished_item.batch_id
    and batch_item.place = finished_item.place
