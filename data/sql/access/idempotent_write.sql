-- one row: what a write with this key answered before
select
    idempotent_write.request_hash,
    idempotent_write.status,
    idempotent_write.body,
from idempotent_write
where
    idempotent_write.key = $key
    and idempotent_write.actor = $actor
