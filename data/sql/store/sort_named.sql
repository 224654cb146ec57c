-- one row per text and delivery that lay as it came: another sorted run
insert into named_at
select
    named_lately.key,
    named_lately.ingested_at,
from named_lately
order by
    named_lately.key,
    named_lately.ingested_at
