-- one row per item of a batch whose exception another batch acts on by now
update batch_item
set
    state = 'skipped',
    cause = 'other_batch',
    detail = taken.batch_id,
    finished_at = $now::timestamp
from (
    select
        other.case_id,
        min(other.batch_id) as batch_id,
    from batch_item as other
    inner join batch on other.batch_id = batch.id
    where
        list_contains($started::varchar[], batch.state)
        and other.batch_id <> $id
        and other.state <> 'left_out'
    group by other.case_id
) as taken
where
    batch_item.batch_id = $id
    and batch_item.state = 'waiting'
    and batch_item.case_id = taken.case_id
returning batch_item.case_id
