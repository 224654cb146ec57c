-- What changed in the automations themselves: deploys and other changes, as marks on every trend.

-- one row per marker; what is wrong is taken away, never rewritten
create table change_marker (
    id varchar not null,
    kind varchar not null,             -- deploy, or change
    flow varchar,                      -- null: of all flows
    text varchar not null,
    version varchar,
    link varchar,
    happened_at timestamp not null,
    actor varchar not null,
    set_at timestamp not null,
    removed_by varchar,
    removed_at timestamp,
);
