-- Groups: who has claimed one, so that what arrives joins the claim, and the note that stands on each of its cases.

-- one row per claim of a group
create table group_claim (
    id varchar not null,
    fingerprint varchar not null,      -- the group
    holder varchar not null,
    scope varchar[],                   -- what the holder may claim, as in_scope takes it; null: everything
    claimed_at timestamp not null,
    lease_until timestamp not null,
    ended_at timestamp,                -- null: it lives
);

-- one row per version of a group's note; append-only, the latest counts
create table group_note (
    fingerprint varchar not null,
    version integer not null,
    text varchar not null,             -- Markdown; empty: the note was taken away
    author varchar not null,
    written_at timestamp not null,
);
