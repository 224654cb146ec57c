-- one row: a one-time link that is valid
select
    access_link.*,
from access_link
where
    access_link.code_hash = $code_hash
    and access_link.used_at is null
    and access_link.expires_at > $now::timestamp
