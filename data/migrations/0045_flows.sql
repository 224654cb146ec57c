-- Settings of flows: every version of each flow's file. Digests of the weekly review.

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

-- Digests of the weekly review: what became of each delivery.

-- one row per state of a delivery; append-only, the latest of a week and target counts
create table digest_delivery (
    week varchar not null,             -- ISO week that the digest is about
    target varchar not null,           -- hash of the address, which may hold a secret
    kind varchar not null,             -- of the address: mailto, json, slack
    state varchar not null,            -- sending, sent, failed, unknown
    attempt integer not null,          -- counted from 1
    at_time timestamp not null,
);
