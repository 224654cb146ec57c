-- An entry about an exception says what the exception was after it, so that a check can compare both.

alter table audit add column case_version integer;
alter table audit add column holder varchar;       -- who held it; null: nobody
