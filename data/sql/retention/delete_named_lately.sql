-- one row per text and delivery of which no record is left
delete from named_lately
where named_lately.ingested_at in (select empty_delivery.ingested_at from empty_delivery)
