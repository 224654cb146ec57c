-- one row per watched field that is missing in the last records; a field that is watched no more is left out
select
    watched_field.source,
    watched_field.part,
    watched_field.field,
    watched_field.names,
    watched_field.owner,
    watched_field.records,
    watched_field.having_it,
    watched_field.run,
    watched_field.longest,
    watched_field.wrong,
    watched_field.gone_since,
from watched_field
inner join source on watched_field.source = source.name
where
    watched_field.run >= $shortest
    and watched_field.updated_at >= source.last_ingested_at - interval 1 day
order by
    watched_field.source,
    watched_field.part,
    watched_field.field
