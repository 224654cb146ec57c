-- Mapped and grouped tasks: several tasks of one step in one unit, told apart by an index.

alter table log add column map_index varchar;           -- which of the tasks, as its orchestrator names it
alter table log add column map_total integer;           -- of how many, where the record says so
alter table span add column map_index varchar;
alter table span add column map_total integer;
alter table failure add column map_index varchar;
alter table failure add column map_total integer;
alter table unit_signal add column step varchar;        -- the one step that the signal speaks for: a task's, or a run's own
alter table unit_signal add column map_index varchar;   -- the one task that the signal speaks for; null where it speaks for a part
alter table exception_case add column tasks json;       -- which tasks failed, and which have succeeded since: see cases/tasks.py
