-- How often each source's records had the fields that its mapping relies on, so that one that vanishes is noticed.

-- one row per source, resources that a mapping is for, kind of record, and field
create table watched_field (
    source varchar not null,
    part varchar not null,             -- which resources: service.name=returns-desk; empty for files
    kind varchar not null,             -- log, span
    field varchar not null,
    names varchar not null,            -- what the mapping takes it from; other names are counted from zero
    owner varchar not null,            -- who answers for the flow
    records bigint not null,
    having_it bigint not null,
    run bigint not null,               -- records behind the last that had it
    longest bigint not null,           -- the longest row of records without it before
    wrong varchar not null,            -- what stands there instead: an object
    gone_since timestamp,              -- when the first record of the row came
    updated_at timestamp not null,
    primary key (source, part, kind, field),
);
