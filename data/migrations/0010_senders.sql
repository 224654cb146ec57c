-- What collectors accept: from whom, and what they leave out.

alter table quarantine add column sender varchar;    -- the token it came with, where that one is limited

alter table log add column mentions varchar[];       -- IDs in the line's text that it does not belong to

alter table source add column dropped bigint default 0;  -- records that a mapping leaves out

alter table log add column actor_type varchar;       -- human, where a person carried out the step
alter table span add column actor_type varchar;

-- One row per unit and flow of which a person carried out a step: by its own ID, else the only one of its trace.
create macro units_with_human_steps(scope) as table (
    with
    human as (
        select trace_id, correlation_id, flow
        from span
        where actor_type = 'human' and in_scope(tenant, flow, scope)
        union all
        select trace_id, correlation_id, flow
        from log
        where actor_type = 'human' and in_scope(tenant, flow, scope)
    ),
    known as (
        select distinct trace_id, correlation_id, flow
        from unit_trace
        where trace_id in (select human.trace_id from human) and in_scope(tenant, flow, scope)
    ),
    alone as (
        select trace_id
        from known
        group by trace_id
        having count(distinct correlation_id) = 1
    )
    select distinct
        coalesce(human.correlation_id, known.correlation_id) as correlation_id,
        coalesce(if(human.correlation_id is null, null, human.flow), known.flow, human.flow) as flow,
    from human
    left join known
        on
            human.trace_id = known.trace_id
            and (
                human.correlation_id = known.correlation_id
                or (human.correlation_id is null and human.trace_id in (select alone.trace_id from alone))
            )
    where coalesce(human.correlation_id, known.correlation_id) is not null
);
