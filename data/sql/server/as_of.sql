-- one row: when the store last took something in
select
    max(source.last_ingested_at) as as_of,
from source
