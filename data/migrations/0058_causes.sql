-- Which failure of the same trace a failure comes from: a service called another one, which failed, and failed with it.
alter table failure add column cause ubigint;         -- record_id of that failure; null: no evidence of any
alter table exception_case add column cause ubigint;  -- the same, of its latest failure
