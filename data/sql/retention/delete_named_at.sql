-- one row per text and delivery of which no record is left
delete from named_at
where named_at.ingested_at in (select empty_delivery.ingested_at from empty_delivery)
