-- The weekly review: weeks that people froze, bound into a chain as the audit is, and their comments.

-- one row per frozen week; append-only
create table frozen_week (
    seq bigint not null,
    week varchar not null,             -- ISO week, such as 2026-W48
    frozen_at varchar not null,        -- when it was frozen, as the hash covers it
    actor varchar not null,
    content varchar not null,          -- JSON: zone, data as of, figures with value, n, version, hash of the SQL, comment
    v integer not null,
    salt varchar not null,
    prev_hash varchar not null,
    hash varchar not null,
);

-- one row per comment on a figure of a week; append-only, the latest of a figure counts
create table week_comment (
    week varchar not null,
    kpi varchar not null,
    text varchar not null,
    actor varchar not null,
    time timestamp not null,
);
