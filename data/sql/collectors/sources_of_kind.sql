-- one row per source of a kind
select
    source.name,
from source
where source.kind = $kind
order by
    source.name
