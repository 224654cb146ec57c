-- one row per delivery that some text names; perhaps none of its records is left
select distinct
    named_at.ingested_at,
from named_at
where named_at.ingested_at < $before
union
select distinct
    named_lately.ingested_at,
from named_lately
where named_lately.ingested_at < $before
