-- one row: how many records there are of before a moment. Times of arrival would not do: a record has its own before it
-- is committed
select
    (select count(*) from log where log.time < $to) as logs,
    (select count(*) from span where span.end_time < $to) as spans
