-- Who holds a case, since which of its versions, and notices to people whose case somebody else took.

alter table exception_case add column free_from_version integer;    -- the version since which nobody held it; null: not known
alter table exception_case add column free_to_version integer;      -- the last such version before its holder claimed it

-- one row per thing that somebody else did to what a person had; shown on their pages until they have seen it
create table notice (
    id varchar not null,
    person varchar not null,
    time timestamp not null,
    kind varchar not null,             -- taken_over, resolved, assigned, noted
    actor varchar not null,
    case_id varchar not null,
    title varchar not null,
    correlation_id varchar not null,
    reason varchar,
    seen_at timestamp,
);
