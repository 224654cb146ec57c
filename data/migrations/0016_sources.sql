-- one row per source that keeps a cursor: how far it has read, committed in the transaction of the rows it brought
create table source_cursor (
    source varchar not null,           -- unique
    value varchar not null,            -- JSON that only the source reads
    updated_at timestamp not null,
);

-- one row per source, name and content of what a source took as a whole, such as a file: its manifest
create table source_item (
    source varchar not null,           -- unique together with name and digest
    name varchar not null,
    digest varchar not null,           -- SHA-256 of the content
    stamp varchar not null,            -- how the source knows it again without reading it
    size bigint not null,              -- bytes
    records bigint not null,           -- records that it brought
    rejected bigint not null,          -- records of it that could not be read: they are in quarantine
    error varchar,                     -- why the rest of it was not read
    same_as varchar,                   -- the name under which its content was taken before; then nothing was read
    deliveries integer not null,       -- how often it came
    taken_at timestamp not null,       -- when it came last
);
