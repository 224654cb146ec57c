-- one row: are there more spans, or more log records, than this many
select
    greatest((select count(*) from span), (select count(*) from log)) > $newest::bigint as has_more,
