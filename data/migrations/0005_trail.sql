-- The audit tells of every act in three records, and of every kind of actor and thing.

alter table audit add column v integer;            -- the form of the entry; null is 1
alter table audit add column act varchar;          -- what joins an intent, its decision and its effects
alter table audit add column door varchar;         -- page, rest, command, worker, clock
alter table audit add column credential varchar;   -- which session or token acted: its public id
alter table audit add column subject varchar;      -- what was acted upon, where it is no case: person:ann
alter table audit add column salt varchar;         -- chance: a withheld entry's hash cannot be guessed from its text
