-- one row per delivery that names one of the texts with these keys
select distinct
    delivery.ingested_at,
from delivery($keys) as delivery
order by delivery.ingested_at
