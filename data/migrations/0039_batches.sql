-- Batches: one act on many exceptions, over a list that is frozen before it starts.

-- one row per batch
create table batch (
    id varchar not null,
    act varchar not null,              -- claim, release, retry, resolve
    state varchar not null,            -- frozen, running, paused, stopped, done, cancelled
    author varchar not null,
    author_kind varchar not null,      -- human, service
    credential varchar,                -- what the author's acts rest on; a person's roles are asked for by name
    asked json not null,               -- the filter, or how many ids
    undeclared boolean not null,       -- retry: also steps that do not declare whether they are safe to replay
    code varchar,                      -- resolve: the resolution code
    reason varchar,
    why varchar,                       -- why it was stopped, paused or cancelled
    created_at timestamp not null,
    started_at timestamp,
    ended_at timestamp,
    total bigint not null,             -- items to act on: done + failed + skipped + those that wait
    done bigint not null,
    failed bigint not null,
    skipped bigint not null,
    left_out bigint not null,          -- exceptions that were asked for and are no item to act on
    place bigint not null,             -- the cursor: how far it is, committed with the acts
    flows varchar[] not null,
    oldest timestamp,
    value json not null,               -- money by currency when the list was frozen
    samples json not null,             -- five of its exceptions
);

-- one row per exception of a batch, in the order of the queue; those that are left out come last
create table batch_item (
    batch_id varchar not null,
    place bigint not null,
    case_id varchar not null,
    state varchar not null,            -- waiting, done, failed, skipped, left_out
    cause varchar,                     -- why it was left out, skipped or failed: a key of cases/batches.py
    detail varchar,                    -- what the cause names: who holds it, which batch has it, the error
    act varchar,                       -- the id of the act in the audit
    finished_at timestamp,
    tenant varchar,
    flow varchar,
    correlation_id varchar,
    value_amount decimal(18, 4),
    value_currency varchar,
);
