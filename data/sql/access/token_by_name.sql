-- one row per secret of a token that is valid
select
    service_token.*,
from service_token
where
    service_token.name = $name
    and service_token.revoked_at is null
    and service_token.expires_at > $now::timestamp
order by
    service_token.created_at
