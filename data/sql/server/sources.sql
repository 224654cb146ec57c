-- one row per source
select
    source.*,
from source
order by
    source.name
