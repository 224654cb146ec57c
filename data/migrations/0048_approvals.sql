-- Approvals: what an automation asks a person waits in the queue of exceptions, and is no failure.

alter table exception_case add column approval_id varchar;         -- names what is asked; null: a failure
alter table exception_case add column answer_until timestamp;      -- until when the automation wants the answer
alter table exception_case add column decided_by varchar;          -- who approved or rejected it

-- Is a case, or an occurrence, with this note counted in figures? What a script closed is an attempt, and an
-- approval is a planned step of people.
create or replace macro is_counted(note) as
    note is distinct from 'closed by the script' and note is distinct from 'approval';
