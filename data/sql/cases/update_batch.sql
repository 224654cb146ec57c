-- one row: a batch that changes
merge into batch
using changed_batch
on batch.id = changed_batch.id
when matched then update by name
