-- Retention: what was removed and under which policy, and what must not be removed (server/retention.py).

-- one row per class of data of a purge
create table removal (
    run varchar not null,
    class varchar not null,            -- logs, spans, payload, cases, quarantine
    policy varchar not null,           -- as people read it: log records older than 90 days
    before timestamp not null,         -- what is older than this was removed, but what is held
    removed bigint not null,           -- rows
    bytes bigint not null,             -- about, uncompressed
    latest timestamp,                  -- time of the latest log record or span that was removed
    actor varchar not null,
    started_at timestamp not null,
    finished_at timestamp              -- null: it runs, or goes on after a start
);

-- one row per trace, or what joins records without one, of which records were removed: 64 bits
create table removed_trace (
    key ubigint not null
);

-- one row per hold: nothing that belongs to it is removed until it is lifted
create table legal_hold (
    id varchar not null,
    kind varchar not null,             -- correlation_id, flow
    value varchar not null,
    reason varchar not null,
    set_by varchar not null,
    set_at timestamp not null,
    lifted_by varchar,
    lifted_at timestamp,
    lifted_because varchar
);

-- trace_bits: 64 bits of a trace ID, as traces/known.py has them
create macro trace_bits(trace_id) as ('0x' || trace_id[17:])::ubigint;

-- log_bits: the same of what joins a log record: its trace, else its ID, else where it comes from
create macro log_bits(trace_id, correlation_id, run_id, technical_id, origin) as
case
    when trace_id is not null then trace_bits(trace_id)
    else md5_number_lower(coalesce('id ' || coalesce(correlation_id, run_id, technical_id), 'no id ' || origin))
end;

-- is_held: does a record belong to something that is held, by what it names itself?
create macro is_held(correlation_id, run_id, technical_id, flow, ids, flows) as
coalesce(list_contains(ids::varchar[], lower(correlation_id)), false)
or coalesce(list_contains(ids::varchar[], lower(run_id)), false)
or coalesce(list_contains(ids::varchar[], lower(technical_id)), false)
or coalesce(list_contains(flows::varchar[], flow), false);
