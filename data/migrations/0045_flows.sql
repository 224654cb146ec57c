-- Settings of flows: every version of each flow's file.

-- one row per version of the settings of a flow; never changed, the highest version counts
create table flow_settings (
    flow varchar not null,
    version integer not null,          -- counted from 1: compare-and-set
    text varchar,                      -- YAML; null: the settings were removed
    file varchar not null,             -- its file in the folder
    author varchar not null,           -- a person, or "file": it was changed on the disk
    saved_at timestamp not null,
    note varchar,
);
