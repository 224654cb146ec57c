-- one row: a batch as an act finds it
select
    batch.*,
from batch
where batch.id = $id
