-- Groups: which are merged into another, and exceptions that a person moved to another group.

alter table exception_case add column moved_group varchar;       -- the group that a person moved it to; null: that of its fingerprint
alter table exception_case add column joined_group varchar;   -- the group that it is in; null: that of its fingerprint

-- one row per merge of a group into another; a group is part of one other at most
create table group_merge (
    id varchar not null,
    source varchar not null,           -- the group that was merged
    target varchar not null,           -- into which one
    root varchar not null,             -- the group that its exceptions are in: that of the target, if it is merged itself
    reason varchar not null,
    actor varchar not null,
    merged_at timestamp not null,
    ended_at timestamp,                -- null: it holds
    ended_by varchar,
);
