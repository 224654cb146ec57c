-- Which unit a record belongs to, what failed, and how units ended: kept by trace, so that late records move it.

alter table log add column part varchar;             -- entry point that the client names; else null
alter table log add column technical_id varchar;     -- request or task id, where no business ID is known
alter table log add column exception_id varchar;     -- names the exception object that the client reported
alter table log add column seq bigint;               -- order of writing within one process
alter table log add column instance varchar;         -- service.instance.id: the process
alter table log add column host varchar;             -- host.name: whose clock it was
alter table log add column peer varchar;             -- server.address or peer.service of what was called
alter table log add column http_status integer;
alter table log add column verdict varchar;          -- ok, failed, partial: what the script said itself
alter table log add column completes boolean;        -- what the call said: true final, false progress

alter table span add column part varchar;
alter table span add column technical_id varchar;
alter table span add column exception_id varchar;
alter table span add column exception_message varchar;
alter table span add column stacktrace varchar;
alter table span add column seq bigint;
alter table span add column instance varchar;
alter table span add column host varchar;
alter table span add column peer varchar;
alter table span add column http_status integer;
alter table span add column route varchar;           -- http.route or url.template
alter table span add column verdict varchar;
alter table span add column completes boolean;
alter table span add column partial_failed integer;
alter table span add column partial_total integer;

alter table unit add column ended_at timestamp;      -- a unit root ended well, but nothing says that this is success
alter table unit add column progress_at timestamp;   -- latest end of a part that another part completes
alter table unit add column outcome varchar;         -- of the latest signal; null: in flight, or told by the two times above

-- one row per commit, trace and unit: which traces hold records of a unit
create table unit_trace (
    correlation_id varchar not null,
    flow varchar not null,
    tenant varchar,
    trace_id varchar not null,
    first_seen timestamp not null,
    last_seen timestamp not null,
    joined boolean not null,           -- concluded from other records of the trace; replaced when it changes
);

-- one row per signal of a unit, and one more with change -1 where a later record showed that it was another unit's
create table unit_signal (
    trace_id varchar not null,         -- or what joins records without a trace
    record_id ubigint not null,
    correlation_id varchar not null,
    flow varchar not null,
    tenant varchar,
    time timestamp not null,
    outcome varchar not null,          -- success, progress, ended, partial, completed_with_errors, completed_unproven, failed
    part varchar,                      -- entry point, else the service; null: the signal speaks for the whole unit
    final boolean not null,            -- it proves the whole unit in its flow
    retry_id varchar,
    clock varchar,                     -- process or host whose clock it was
    seq bigint,
    continues boolean not null,        -- the call said that a later part completes the unit
    change integer not null,           -- 1 said, -1 taken back
    recorded_at timestamp not null,
);

-- one row per failure as it is understood now: one thing that went wrong for one unit
create table failure (
    trace_id varchar not null,
    record_id ubigint not null,        -- of the innermost record that tells of it
    correlation_id varchar not null,
    flow varchar not null,
    step varchar not null,
    tenant varchar,
    time timestamp not null,
    attempts integer not null,         -- tries of the step before it was given up
    affected json,                     -- other flows, steps and services that failed because of it
    part varchar,
    clock varchar,
    seq bigint,
    details json not null,             -- what the case shows of it
);

-- one row per opening and per closing of a case; append-only
create table case_episode (
    case_id varchar not null,
    episode integer not null,
    change varchar not null,           -- opened, closed
    time timestamp not null,           -- event time: of the failure, of the proof
    how varchar,                       -- recovered, resolved, merged, withdrawn
    rule varchar not null,             -- version of the rules that decided
    recorded_at timestamp not null,
);

-- one row per case that turned out to be part of another, or no failure at all
create table folded_case (
    id varchar not null,
    how varchar not null,              -- merged, withdrawn
    merged_into varchar,
    correlation_id varchar not null,
    flow varchar not null,
    step varchar not null,
    tenant varchar,
    title varchar not null,
    opened_at timestamp not null,
    folded_at timestamp not null,
    reason varchar not null,
);

alter table exception_case add column earlier_occurrences integer;  -- counted before failures were kept
alter table exception_case add column affected json;
alter table exception_case add column part varchar;
alter table exception_case add column clock varchar;
alter table exception_case add column seq bigint;
alter table exception_case add column unit_kind varchar;            -- business, job, run, technical, trace, none
alter table exception_case add column note varchar;                 -- what the screen says beside the title
alter table exception_case add column inherited json;               -- fields known from another flow of the ID
alter table exception_case add column episodes integer;

update exception_case set
    earlier_occurrences = occurrences,
    episodes = 1,
    unit_kind = case
        when correlation_id = fingerprint then 'none'
        when correlation_id = run_id then 'run'
        else 'business'
    end;

insert into case_episode
select id, 1, 'opened', opened_at, null, '1', opened_at from exception_case;

insert into case_episode
select id, 1, 'closed', coalesce(verified_at, resolved_at), state, '1', coalesce(resolved_at, verified_at)
from exception_case
where state in ('recovered', 'resolved');

insert into unit_signal
select 'before', hash(correlation_id, flow, 1), correlation_id, flow, tenant, completed_at, 'success', null, true, null, null, null, false, 1, completed_at
from unit where completed_at is not null;

insert into unit_signal
select 'before', hash(correlation_id, flow, 2), correlation_id, flow, tenant, failed_at, 'failed', null, true, null, null, null, false, 1, failed_at
from unit where failed_at is not null;
