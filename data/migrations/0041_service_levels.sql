-- Service levels: until when somebody should have taken a case up. `due_at` is when it should have ended.

alter table exception_case add column reopened_at timestamp;       -- when its latest episode began; null: it has only one
alter table exception_case add column triaged_at timestamp;        -- when somebody first took it up in this episode
alter table exception_case add column triage_due_at timestamp;     -- until when somebody should have taken it up
alter table exception_case add column triage_warns_at timestamp;   -- from when on a quarter of that time is left
alter table exception_case add column warns_at timestamp;          -- the same of due_at
alter table case_episode add column triaged_at timestamp;          -- these three on its closing
alter table case_episode add column triage_due_at timestamp;
alter table case_episode add column due_at timestamp;

-- one row per set of service rules that held; the latest holds
create table service_rule (
    chosen_at timestamp not null,
    rules json not null,
    is_applied boolean not null,       -- whether the due times of all live cases follow them
);

-- Cases that are live get the built-in levels; those that are closed stay as they are.
update exception_case set
    triaged_at = exception_case.first_claimed_at,
    triage_due_at = exception_case.first_seen + case exception_case.severity
        when 'critical' then interval '10 minutes'
        when 'high' then interval '30 minutes'
        when 'medium' then interval '2 hours'
        else interval '8 hours'
    end
where
    exception_case.state in ('open', 'claimed', 'retrying', 'verifying')
    and exception_case.due_at is not null;

update exception_case set
    triage_warns_at = exception_case.first_seen + 0.75 * (exception_case.triage_due_at - exception_case.first_seen),
    warns_at = exception_case.first_seen + 0.75 * (exception_case.due_at - exception_case.first_seen)
where exception_case.triage_due_at is not null;
