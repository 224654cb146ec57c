-- Failures that the script that wrote them closed with unit.ok(): kept to be seen, in no figure.

alter table case_occurrence add column note varchar; -- what became of it: closed by the script, needs a look

-- Is a case, or an occurrence, with this note counted in figures?
create macro is_counted(note) as note is distinct from 'closed by the script';

-- what people did for a case that its script closed is no touch
create or replace view touch as
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
