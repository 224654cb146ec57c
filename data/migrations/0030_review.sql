-- What people write down in a weekly review. Each change is a row of its own: the latest version counts.

-- one row per version of an action that somebody promised
create table week_action (
    id varchar not null,
    version integer not null,
    week varchar not null,             -- ISO week in whose review it was promised
    text varchar not null,
    owner varchar not null,
    due_on date,                       -- in the business time zone; null: without a date
    kpi varchar,                       -- the figure that it should move; null: none
    state varchar not null,            -- open, done or dropped
    note varchar,                      -- what somebody wrote when they closed it or opened it again
    actor varchar not null,
    time timestamp not null,
    primary key (id, version),
);

-- one row per win, miss or decision of a week, and one more where it was removed
create table week_entry (
    id varchar not null,
    version integer not null,
    week varchar not null,
    kind varchar not null,             -- win, miss or decision
    text varchar not null,
    why varchar,                       -- of a decision
    kpi varchar,
    removed boolean not null,
    actor varchar not null,
    time timestamp not null,
    primary key (id, version),
);

-- one row per note on a section of a week; append-only, the latest of a section counts, an empty one removes it
create table week_note (
    week varchar not null,
    section varchar not null,
    text varchar not null,
    actor varchar not null,
    time timestamp not null,
);
