-- one row per secret of a token that has not been revoked
select
    service_token.*,
from service_token
where service_token.revoked_at is null
order by
    service_token.name,
    service_token.created_at
