-- Mappings that are applied to what was stored before: work in the background that goes on after a restart.

-- one row per request to apply a mapping to earlier records
create table mapping_job (
    id varchar not null,
    name varchar not null,             -- of the mapping
    sources varchar[] not null,        -- whose records are looked at
    since timestamp not null,          -- event time of the earliest record
    until timestamp not null,          -- what came later was mapped as it came
    requested_by varchar not null,
    state varchar not null,            -- running, done, failed
    error varchar,
    after_time timestamp not null,     -- how far it is: committed with what it changed
    after_record ubigint not null,
    total bigint not null,             -- records to look at
    looked_at bigint not null,
    changed bigint not null,
    quarantined bigint not null,       -- records in quarantine to read again
    taken bigint not null,             -- of these: read and stored
    finished_at timestamp,
);
