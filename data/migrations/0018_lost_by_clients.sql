-- What clients report that they had to drop, for each source that brought the report.

alter table source add column lost bigint default 0;
alter table source add column lost_at timestamp;
