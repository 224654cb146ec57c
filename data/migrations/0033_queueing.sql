-- What people say of a case beside its state: snoozed until a time or a count, and whom it is assigned to.

alter table exception_case add column snoozed_by varchar;           -- null: it is not snoozed
alter table exception_case add column snoozed_until timestamp;
alter table exception_case add column snoozed_count integer;        -- comes back with this many occurrences
alter table exception_case add column assignee varchar;
alter table exception_case add column assignee_kind varchar;        -- person, team
