-- What figures about the past need: when a unit first had each state, and what was true of an earlier episode.

alter table unit add column first_completed_at timestamp; -- earliest success signal
alter table unit add column first_failed_at timestamp;    -- earliest failure signal
alter table unit add column first_error_at timestamp;     -- earliest failed attempt or failure signal
alter table unit add column human_times timestamp[];      -- ends of the steps that people carried out
alter table case_episode add column people_at timestamp;  -- latest act of a person in the episode; on its closing
alter table case_episode add column code varchar;         -- resolution code; on its closing
alter table case_episode add column recovered_by varchar; -- retry, automatic, person; on its closing

update unit set
    first_completed_at = said.completed_at,
    first_failed_at = said.failed_at,
    first_error_at = said.failed_at
from (
    select
        standing.correlation_id,
        standing.flow,
        standing.tenant,
        min(standing.time) filter (where standing.outcome in ('success', 'completed_unproven')) as completed_at,
        min(standing.time) filter (where standing.outcome in ('failed', 'partial', 'completed_with_errors')) as failed_at,
    from (
        select
            unit_signal.correlation_id,
            unit_signal.flow,
            unit_signal.tenant,
            unit_signal.time,
            unit_signal.outcome,
        from unit_signal
        group by
            unit_signal.trace_id,
            unit_signal.record_id,
            unit_signal.correlation_id,
            unit_signal.flow,
            unit_signal.tenant,
            unit_signal.time,
            unit_signal.outcome
        having sum(unit_signal.change) > 0
    ) as standing
    group by
        standing.correlation_id,
        standing.flow,
        standing.tenant
) as said
where
    unit.correlation_id = said.correlation_id
    and unit.flow = said.flow
    and (unit.tenant is not distinct from said.tenant or said.tenant is null);

-- What a unit states and no signal of it is kept for.
update unit set
    first_completed_at = coalesce(unit.first_completed_at, unit.completed_at),
    first_failed_at = coalesce(unit.first_failed_at, unit.failed_at),
    first_error_at = coalesce(unit.first_error_at, unit.failed_at),
    human_times = if(unit.human_at is null, null, [unit.human_at]);

update unit set first_error_at = coalesce(least(unit.first_error_at, failed.ended_at), failed.ended_at)
from (
    select
        attempt.correlation_id,
        attempt.flow,
        min(attempt.ended_at) as ended_at,
    from attempt
    where attempt.outcome = 'error'
    group by
        attempt.correlation_id,
        attempt.flow
) as failed
where
    unit.failed_attempts > 0
    and unit.correlation_id = failed.correlation_id
    and unit.flow = failed.flow;

update case_episode set people_at = acted.time
from (
    select
        closing.case_id,
        closing.episode,
        max(audit.time) as time,
    from case_episode as closing
    inner join case_episode as opening
        on closing.case_id = opening.case_id and closing.episode = opening.episode and opening.change = 'opened'
    inner join audit
        on closing.case_id = audit.case_id
        and audit.time >= opening.recorded_at
        and audit.time <= closing.recorded_at
    where
        closing.change = 'closed'
        and by_people(audit.kind, audit.actor_type, audit.verb, audit.details)
    group by
        closing.case_id,
        closing.episode
) as acted
where
    case_episode.change = 'closed'
    and case_episode.case_id = acted.case_id
    and case_episode.episode = acted.episode;

update case_episode set recovered_by = if(case_episode.people_at is null, 'automatic', 'person')
where
    case_episode.change = 'closed'
    and case_episode.how = 'recovered';

-- Figures ask for acts by the episode in which they were done: see unit_touch.
drop view touch;
