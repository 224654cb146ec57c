-- The exception center: cases, what happened to them, and who did what.

-- one row per case: one unit stuck at one step of a flow
create table exception_case (
    id varchar not null,
    version integer not null,          -- compare-and-set
    state varchar not null,            -- open, claimed, retrying, verifying, recovered, resolved
    class varchar not null,            -- business, data, infrastructure, unknown
    severity varchar not null,         -- critical, high, medium, low
    flow varchar not null,
    step varchar not null,
    correlation_id varchar not null,   -- or the run id, or the fingerprint, where there is none
    run_id varchar,
    title varchar not null,
    message varchar not null,
    error_type varchar,
    error_code varchar,
    fingerprint varchar not null,
    dependency varchar,
    service varchar,
    value_amount decimal(18, 4),
    value_currency varchar,
    occurrences integer not null,
    opened_at timestamp not null,      -- event time of the first failure of this opening
    first_seen timestamp not null,
    last_seen timestamp not null,
    updated_at timestamp not null,
    due_at timestamp,
    holder varchar,
    claimed_at timestamp,
    first_claimed_at timestamp,
    lease_until timestamp,
    attempts integer not null,
    next_attempt_at timestamp,
    retry_id varchar,                  -- the retry that runs or waits for its proof
    verify_until timestamp,
    replay_safe boolean,               -- null: nobody said
    idempotency_key varchar,
    data json,
    stacktrace varchar,
    trace_id varchar,
    span_id varchar,
    tenant varchar,
    business_unit varchar,
    customer varchar,
    segment varchar,
    environment varchar,
    resolved_at timestamp,
    resolution_code varchar,
    resolution_reason varchar,
    verified_at timestamp,             -- event time of the unit's own success signal
    recovered_by varchar,              -- retry, automatic, person
);

-- one row per error record of a case
create table case_occurrence (
    case_id varchar not null,
    record_id ubigint not null,
    time timestamp not null,
    message varchar not null,
    error_type varchar,
    attempt integer,
    trace_id varchar,
    span_id varchar,
);

-- one row per retry that a person asked for
create table retry (
    id varchar not null,
    case_id varchar not null,
    flow varchar not null,
    step varchar not null,
    correlation_id varchar not null,
    attempt integer not null,
    state varchar not null,            -- queued, leased, succeeded, failed, cancelled
    idempotency_key varchar not null,
    requested_by varchar not null,
    requested_at timestamp not null,
    reason varchar,
    traceparent varchar,
    data json,
    worker varchar,
    lease_token varchar,
    lease_until timestamp,
    leases integer not null,           -- how often it was handed out: more than one means a worker was lost
    started_at timestamp,
    finished_at timestamp,
    error_type varchar,
    error_message varchar,
);

-- one row per act; append-only
create table audit (
    seq bigint not null,
    time timestamp not null,
    actor varchar not null,
    actor_type varchar not null,       -- human, service, system
    verb varchar not null,             -- opened, recurred, claimed, released, expired, retried, ...
    case_id varchar,
    correlation_id varchar,
    flow varchar,
    step varchar,
    tenant varchar,
    from_state varchar,
    to_state varchar,
    reason varchar,
    details json,
);

-- one row per write that carried an Idempotency-Key
create table idempotent_write (
    key varchar not null,
    actor varchar not null,
    request_hash varchar not null,
    status integer not null,
    body varchar not null,
    time timestamp not null,
);
