-- What people did for a unit: which acts count as theirs, and steps that a person carried out.

alter table exception_case add column people_at timestamp;  -- latest act of a person in this episode that counts as theirs

alter table log add column actor_type varchar;              -- unsnag.actor.type: human, where a person did it
alter table span add column actor_type varchar;
alter table unit add column human_at timestamp;             -- end of the first step that a person carried out

-- by_people: true for an act by which a person changes what becomes of a unit. Claims, releases, notes,
-- assignments and merges are none; of the ways to resolve, two say that somebody repaired it.
create macro by_people(kind, actor_type, verb, details) as
    kind = 'effect'
    and actor_type = 'human'
    and (
        verb in ('retried', 'edited', 'decided', 'fixed_outside')
        or (verb = 'resolved' and (details ->> 'code') in ('fixed_upstream', 'data_corrected'))
    );

-- case_closed: when a case ended: proven, closed by a person, or expired; null while it is open.
-- The proof that follows a resolution does not move its end.
create macro case_closed(state, verified_at, resolved_at) as
    case state
        when 'recovered' then coalesce(verified_at, resolved_at)
        when 'resolved' then resolved_at
        when 'expired' then resolved_at
    end;

-- Is a case, or an occurrence, with this note counted in figures?
create macro is_counted(note) as note is distinct from 'closed by the script';

-- one row per act or step by which a person touched a unit, not for a case that its script closed; acts on a merged case count for the one that stays
create view touch as
select
    exception_case.id as case_id,
    exception_case.correlation_id,
    exception_case.flow,
    exception_case.tenant,
    audit.time,
from audit
left join folded_case on audit.case_id = folded_case.id
inner join exception_case on coalesce(folded_case.merged_into, audit.case_id) = exception_case.id
where
    by_people(audit.kind, audit.actor_type, audit.verb, audit.details)
    and is_counted(exception_case.note)
union all
select
    null as case_id,
    unit.correlation_id,
    unit.flow,
    unit.tenant,
    unit.human_at as time,
from unit
where unit.human_at is not null;

update exception_case set people_at = acted.time
from (
    select
        audit.case_id,
        max(audit.time) as time,
    from audit
    left join (
        select
            audit.case_id,
            max(audit.seq) as seq,
        from audit
        where
            audit.kind = 'effect'
            and audit.verb = 'reopened'
            and audit.from_state in ('recovered', 'resolved')
        group by audit.case_id
    ) as began on audit.case_id = began.case_id
    where
        by_people(audit.kind, audit.actor_type, audit.verb, audit.details)
        and audit.seq > coalesce(began.seq, 0)
    group by audit.case_id
) as acted
where acted.case_id = exception_case.id;

-- one row per worker and step that it can retry; a worker that asks for everything has one with neither
create table worker_step (
    worker varchar not null,           -- without the number of its process, which changes with each start
    name varchar not null,             -- what it called itself last
    flow varchar,                      -- null: any
    step varchar,                      -- null: any
    scope varchar[],                   -- what its token reaches, as in_scope takes it; null: everything
    announced_at timestamp not null,   -- last time, to the minute
);

-- one row per pause of a worker that was longer than a retry may wait
create table worker_gap (
    worker varchar not null,
    flow varchar,
    step varchar,
    began_at timestamp not null,
    ended_at timestamp not null,
);
