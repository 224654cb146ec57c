-- What arrives, and what is derived from it as it arrives.
-- No index, key or unique constraint on tables that are appended to at speed (ARCHITECTURE.md, "The store").

-- one row per log record
create table log (
    record_id ubigint not null,        -- identity: client's record id, source + offset, or content hash
    time timestamp not null,
    ingested_at timestamp not null,
    severity_number utinyint not null, -- OpenTelemetry: 9 info, 13 warning, 17 error, 21 fatal
    severity varchar not null,
    message varchar not null,
    logger varchar,
    service varchar,
    flow varchar,
    step varchar,
    attempt integer,
    run_id varchar,
    correlation_id varchar,
    trace_id varchar,
    span_id varchar,
    tenant varchar,
    business_unit varchar,
    customer varchar,
    segment varchar,
    environment varchar,
    routing varchar,
    dependency varchar,
    idempotency_key varchar,
    idempotent boolean,
    retry_id varchar,
    error_class varchar,
    error_type varchar,
    error_code varchar,
    outcome varchar,                   -- success or failed, where the record is the unit's own signal
    exception_message varchar,
    stacktrace varchar,
    data json,                         -- what an operator needs of a failed unit
    value_amount decimal(18, 4),
    value_currency varchar,
    source varchar not null,
    source_offset bigint,
    attributes variant,
    resource variant,
);

-- one row per span
create table span (
    record_id ubigint not null,        -- identity: hash of trace id and span id
    trace_id varchar not null,
    span_id varchar not null,
    parent_span_id varchar,
    name varchar not null,
    kind varchar not null,             -- internal, server, client, producer, consumer
    time timestamp not null,           -- start
    end_time timestamp not null,
    duration_ns bigint not null,
    ingested_at timestamp not null,
    status varchar not null,           -- unset, ok, error
    status_message varchar,
    role varchar,                      -- unit, step, or null for a foreign or inner span
    outcome varchar,                   -- success, partial, failed; on unit spans
    service varchar,
    flow varchar,
    step varchar,
    attempt integer,
    run_id varchar,
    correlation_id varchar,
    tenant varchar,
    business_unit varchar,
    customer varchar,
    segment varchar,
    environment varchar,
    routing varchar,
    dependency varchar,
    idempotency_key varchar,
    idempotent boolean,
    retry_id varchar,
    error_class varchar,
    error_type varchar,
    value_amount decimal(18, 4),
    value_currency varchar,
    source varchar not null,
    source_offset bigint,
    attributes variant,
    resource variant,                  -- resource attributes, and the scope under "otel.scope.*"
    events variant,                    -- list of {time, name, attributes}
    links variant,                     -- list of {trace_id, span_id, attributes}
);

-- one row per unit of work: correlation ID and flow
create table unit (
    correlation_id varchar not null,
    flow varchar not null,
    first_seen timestamp not null,     -- the time bounds of everything the unit ever sent
    last_seen timestamp not null,
    opened_at timestamp not null,
    completed_at timestamp,            -- latest success signal of the unit's own
    failed_at timestamp,               -- latest failure signal
    value_amount decimal(18, 4),
    value_currency varchar,
    value_time timestamp,              -- event time of the value that is kept: the latest wins
    tenant varchar,
    business_unit varchar,
    customer varchar,
    segment varchar,
    environment varchar,
    routing varchar,
    attempts integer not null,         -- step attempts seen
    failed_attempts integer not null,
    errors integer not null,           -- error records seen
);

-- one row per attempt of a step; attempts are never overwritten
create table attempt (
    record_id ubigint not null,        -- of the span it was read from
    correlation_id varchar not null,
    flow varchar not null,
    step varchar not null,
    attempt integer not null,
    started_at timestamp not null,
    ended_at timestamp not null,
    outcome varchar not null,          -- ok, error
    error_class varchar,
    error_type varchar,
    dependency varchar,
    idempotency_key varchar,
    idempotent boolean,
    executor varchar,                  -- the service that ran it
    retry_id varchar,                  -- null for an automatic attempt
    trace_id varchar,
    span_id varchar,
);

-- one row per record that could not be read
create table quarantine (
    id varchar not null,
    source varchar not null,
    source_offset bigint,
    reason varchar not null,
    received_at timestamp not null,
    size bigint not null,              -- bytes of the whole record; the sample may be shorter
    bytes blob not null,
    replayed_at timestamp,
    replay_result varchar,
);

-- one row per source: what it brought so far
create table source (
    name varchar not null,
    kind varchar not null,             -- jsonl, otlp
    records bigint not null,
    duplicates bigint not null,
    quarantined bigint not null,
    first_ingested_at timestamp not null,
    last_ingested_at timestamp not null,
    last_event_time timestamp,
);

-- one row per file that is followed; committed in the transaction of the rows it brought
create table file_offset (
    path varchar not null,
    identity varchar not null,         -- device, inode and the hash of the first bytes
    byte_offset bigint not null,
    updated_at timestamp not null,
);
