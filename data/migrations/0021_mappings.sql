-- Mappings that people save on the page Mapping: every version, and which one counts since when.

-- one row per version of a mapping; never changed
create table mapping_version (
    name varchar not null,
    version integer not null,          -- counted from 1
    text varchar not null,             -- TOML, as in the config file
    author varchar not null,
    saved_at timestamp not null,
    note varchar,
    previous integer,                  -- the version that counted before
);

-- one row per change of which version counts; append-only, the highest revision counts
create table mapping_use (
    name varchar not null,
    revision integer not null,         -- counted from 1: compare-and-set
    version integer,                   -- null: switched off, the config file's counts
    act varchar not null,              -- saved, reverted, switched off
    changed_by varchar not null,
    changed_at timestamp not null,
    note varchar,
);
