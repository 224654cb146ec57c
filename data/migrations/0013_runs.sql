-- What the error lines of a run tell beside its traces: one failure, however many records describe it.

alter table failure add column account json;        -- of a run's failure only: what it tells, see traces/runs.py
alter table failure add column describes ubigint;   -- record_id of the run's failure that this one only tells of: not counted
