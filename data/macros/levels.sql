-- The nouns of the figures over due times and escalations; see basis.sql for the parameters.

-- case_escalated: one row per period and episode that was opened in it. escalated: at least once up to the end of the
-- period; by_time and by_people say by whom.
create or replace macro case_escalated(starts, ends, reach, only_flow, split_by) as table
select
    period.number as period,
    cases.key,
    cases.id as case_id,
    cases.number as episode,
    cases.correlation_id,
    cases.flow,
    cases.step,
    cases.title,
    cases.class,
    cases.opened_at,
    min(act.time) as escalated_at,
    count(act.time) > 0 as escalated,
    count(act.time) filter (where act.actor_type = 'system') > 0 as by_time,
    count(act.time) filter (where act.actor_type <> 'system') > 0 as by_people,
    coalesce(cases.closed_at >= period.ends_at, true) as still_open
from episode(reach, only_flow, split_by) as cases
inner join period(starts, ends) as period
    on
        cases.opened_at >= period.starts_at
        and cases.opened_at < period.ends_at
left join (
    select
        case_id,
        episode,
        time,
        actor_type
    from case_act(reach, only_flow)
    where verb = 'escalated'
) as act
    on
        cases.id = act.case_id
        and cases.number = act.episode
        and act.time < period.ends_at
group by all;

-- case_due: one row per period, episode and promise (triage, resolve) whose due time fell into the period, or lies
-- behind it (in_flight) while the exception is open. met: it was kept. An exception that ended before triage was due,
-- without having been taken up, is left out of triage.
create or replace macro case_due(starts, ends, reach, only_flow, split_by) as table
with
stated as (
    select
        id as case_id,
        coalesce(episodes, 1) as episode,
        triaged_at,
        triage_due_at,
        due_at
    from exception_case
    union all
    select
        case_episode.case_id,
        case_episode.episode,
        case_episode.triaged_at,
        case_episode.triage_due_at,
        case_episode.due_at
    from case_episode
    inner join exception_case as reopened
        on
            case_episode.case_id = reopened.id
            and case_episode.episode < reopened.episodes
    where case_episode.change = 'closed'
),

promised as (
    select
        case_id,
        episode,
        'triage' as promise,
        triage_due_at as due_at,
        triaged_at
    from stated
    union all
    select
        case_id,
        episode,
        'resolve',
        due_at,
        null
    from stated
    where triage_due_at is not null
)
select
    period.number as period,
    cases.key,
    cases.id as case_id,
    cases.number as episode,
    cases.correlation_id,
    cases.flow,
    cases.step,
    cases.title,
    cases.class,
    promised.promise,
    cases.opened_at,
    promised.due_at,
    case promised.promise
        when 'triage' then promised.triaged_at
        else if(cases.state = 'expired', null, cases.closed_at)
    end as done_at,
    coalesce(done_at <= promised.due_at, false) as met,
    promised.due_at >= period.starts_at and promised.due_at < period.ends_at as is_due,
    promised.due_at >= period.ends_at and coalesce(done_at >= period.ends_at, true) as in_flight
from episode(reach, only_flow, split_by) as cases
inner join promised
    on
        cases.id = promised.case_id
        and cases.number = promised.episode
inner join period(starts, ends) as period
    on
        cases.opened_at < period.ends_at
        and promised.due_at >= period.starts_at
where
    (promised.due_at < period.ends_at or coalesce(cases.closed_at >= period.ends_at, true))
    and (
        promised.promise = 'resolve'
        or coalesce(promised.triaged_at <= promised.due_at, false)
        or coalesce(cases.closed_at > promised.due_at or cases.closed_at >= period.ends_at, true)
    );
