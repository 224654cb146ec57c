-- The shared nouns of the figures over exceptions and people's work; see basis.sql for the parameters.

-- episode: one row per opening of an exception that figures count: closed_at (null: open) is when it was recovered,
-- resolved or expired; people_at when a person last did something for it in this episode.
create or replace macro episode(reach, only_flow, split_by) as table
select
    exception_case.id,
    past.number,
    exception_case.correlation_id,
    exception_case.flow,
    exception_case.step,
    exception_case.title,
    exception_case.class,
    exception_case.note,
    exception_case.value_amount,
    exception_case.value_currency,
    exception_case.{split},
    past.state,
    past.opened_at,
    past.closed_at,
    past.verified_at,
    past.people_at,
    past.resolution_code,
    past.recovered_by,
    split_key(
        split_by, exception_case.flow, exception_case.step, exception_case.class, null,
        exception_case.{split},
    ) as key
from exception_case
inner join (
    select
        latest.id,
        coalesce(latest.episodes, 1) as number,
        coalesce(reopened.time, latest.opened_at) as opened_at,
        latest.state,
        case_closed(latest.state, latest.verified_at, latest.resolved_at) as closed_at,
        latest.verified_at,
        latest.people_at,
        latest.resolution_code,
        latest.recovered_by
    from exception_case as latest
    left join (
        select
            case_id,
            episode,
            min(time) as time
        from case_episode
        where
            change = 'opened'
            and episode > 1
        group by
            case_id,
            episode
    ) as reopened
        on
            latest.id = reopened.case_id
            and latest.episodes = reopened.episode
    union all
    select
        case_episode.case_id,
        case_episode.episode,
        min(case_episode.time) filter (where case_episode.change = 'opened'),
        any_value(case_episode.how),
        max(case_episode.time) filter (where case_episode.change = 'closed'),
        coalesce(
            max(case_episode.time) filter (where case_episode.change = 'verified'),
            max(case_episode.time) filter (where case_episode.change = 'closed' and case_episode.how = 'recovered')
        ),
        max(case_episode.people_at),
        any_value(case_episode.code),
        any_value(case_episode.recovered_by)
    from case_episode
    inner join exception_case as reopened
        on
            case_episode.case_id = reopened.id
            and case_episode.episode < reopened.episodes
    group by
        case_episode.case_id,
        case_episode.episode
) as past on exception_case.id = past.id
where
    in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
    and is_counted(exception_case.note)
    and (only_flow::varchar is null or exception_case.flow = only_flow);

-- case_in_period: one row per period and episode that was opened before its end, and was not closed long before:
-- still_open at the end of the period, ended in it, or ended in the 28 days before its end.
-- seconds: the age at which it was closed, else at the end of the period.
create or replace macro case_in_period(starts, ends, reach, only_flow, split_by) as table
select
    period.number as period,
    period.starts_at,
    period.ends_at,
    cases.key,
    cases.id as case_id,
    cases.number as episode,
    cases.correlation_id,
    cases.flow,
    cases.step,
    cases.title,
    cases.class,
    case when coalesce(cases.closed_at >= period.ends_at, false) then 'open' else cases.state end as state,
    cases.opened_at,
    cases.closed_at,
    cases.resolution_code,
    cases.recovered_by,
    cases.value_amount,
    cases.value_currency,
    cases.state = 'expired' as expired,
    coalesce(cases.closed_at >= period.ends_at, true) as still_open,
    coalesce(cases.closed_at >= period.starts_at and cases.closed_at < period.ends_at, false) as ended,
    greatest(epoch(least(cases.closed_at, period.ends_at) - cases.opened_at), 0) as seconds
from episode(reach, only_flow, split_by) as cases
inner join period(starts, ends) as period
    on
        cases.opened_at < period.ends_at
        and coalesce(cases.closed_at, 'infinity'::timestamp)
        >= least(period.starts_at, period.ends_at - interval '28 days');

-- unit_exception: one row per unit and episode of an exception of it
create or replace macro unit_exception(reach, only_flow, split_by) as table
select
    cases.tenant,
    cases.correlation_id,
    own_flow(only_flow, split_by, cases.flow) as of_flow,
    cases.id as case_id,
    cases.class,
    cases.flow || ' / ' || cases.step as place,
    cases.state,
    cases.opened_at,
    cases.closed_at
from episode(reach, only_flow, null) as cases;

-- unit_touch: one row per unit and time at which a person touched it: an act, or a step that they carried out.
-- An act counts for the episode in which it was done, so it is no later than the end of that.
create or replace macro unit_touch(reach, only_flow, split_by) as table
select
    exception_case.tenant,
    exception_case.correlation_id,
    own_flow(only_flow, split_by, exception_case.flow) as of_flow,
    least(acted.time, min(closing.time)) as touched_at
from (
    select
        coalesce(folded_case.merged_into, audit.case_id) as case_id,
        audit.seq,
        audit.time
    from audit
    left join folded_case on audit.case_id = folded_case.id
    where by_people(audit.kind, audit.actor_type, audit.verb, audit.details)
) as acted
inner join exception_case on acted.case_id = exception_case.id
left join case_episode as closing
    on
        acted.case_id = closing.case_id
        and closing.change in ('closed', 'verified')
        and acted.time <= closing.recorded_at
where
    in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
    and is_counted(exception_case.note)
    and (only_flow::varchar is null or exception_case.flow = only_flow)
group by
    acted.seq,
    acted.time,
    exception_case.tenant,
    exception_case.correlation_id,
    own_flow(only_flow, split_by, exception_case.flow)
union all
select
    unit.tenant,
    unit.correlation_id,
    own_flow(only_flow, split_by, unit.flow),
    unnest(unit.human_times)
from unit
where
    unit.human_at is not null
    and in_scope(unit.tenant, unit.flow, reach::varchar[])
    and (only_flow::varchar is null or unit.flow = only_flow);

-- own_value: one row per ID of `ids` (a step of the statement) and tenant: the highest value that one of its flows names,
-- by rough rates
create or replace macro own_value(ids, reach) as table
select
    unit.tenant,
    unit.correlation_id,
    first(
        struct_pack(amount := unit.value_amount, currency := unit.value_currency)
        order by
            rough_value(unit.value_amount, unit.value_currency) desc nulls last,
            unit.value_amount desc nulls last,
            unit.flow
    ) as value
from unit
where
    in_scope(unit.tenant, unit.flow, reach::varchar[])
    and unit.correlation_id in (select asked_id.correlation_id from query_table(ids) as asked_id)
group by
    unit.tenant,
    unit.correlation_id;

-- unit_at_risk: one row per period and unit with an exception open at the end of the period.
-- The most valuable exception speaks for the unit, by rough rates between currencies; of equals, the oldest.
create or replace macro unit_at_risk(starts, ends, reach, only_flow, split_by) as table
with
stuck as materialized (
    select
        period.number as period,
        period.ends_at,
        cases.tenant,
        cases.correlation_id,
        count(*) as exceptions,
        min(cases.opened_at) as opened_at,
        first(
            struct_pack(
                flow := cases.flow,
                key := cases.key,
                case_id := cases.id,
                step := cases.step,
                title := cases.title,
                class := cases.class,
                amount := cases.value_amount,
                currency := cases.value_currency
            )
            order by
                rough_value(cases.value_amount, cases.value_currency) desc nulls last,
                cases.value_amount desc nulls last,
                cases.opened_at,
                cases.id
        ) as main
    from episode(reach, only_flow, split_by) as cases
    inner join period(starts, ends) as period
        on
            cases.opened_at < period.ends_at
            and coalesce(cases.closed_at, 'infinity'::timestamp) >= period.ends_at
    where cases.note is distinct from 'needs a look'
    group by
        period.number,
        period.ends_at,
        cases.tenant,
        cases.correlation_id,
        own_flow(only_flow, split_by, cases.flow)
),
unvalued as (
    select correlation_id
    from stuck
    where main.amount is null
)
select
    stuck.period,
    stuck.ends_at,
    stuck.correlation_id,
    stuck.exceptions,
    stuck.opened_at,
    stuck.main.flow,
    stuck.main.key,
    stuck.main.case_id,
    stuck.main.step,
    stuck.main.title,
    stuck.main.class,
    coalesce(stuck.main.amount, own.value.amount) as value_amount,
    case when stuck.main.amount is null then own.value.currency else stuck.main.currency end as value_currency
from stuck
left join own_value('unvalued', reach) as own
    on
        stuck.correlation_id = own.correlation_id
        and stuck.tenant is not distinct from own.tenant;

-- unit_fate: one row per period and unit with exceptions that came to a fate in the period, or is in flight at its
-- end. recovered: the success that ended its last exception proved it. lost: its last exception was written off.
-- One that had the same fate at the start of the period already counts nothing again.
-- The most valuable exception with that fate speaks for the unit, as in unit_at_risk.
create or replace macro unit_fate(fate, starts, ends, reach, only_flow, split_by) as table
with
known as materialized (
    select cases.*
    from episode(reach, only_flow, null) as cases
    where
        cases.note is distinct from 'needs a look'
        and (coalesce(cases.tenant, ''), cases.correlation_id) in (
            select
                coalesce(recent.tenant, ''),
                recent.correlation_id
            from exception_case as recent
            where coalesce(
                greatest(recent.verified_at, case_closed(recent.state, recent.verified_at, recent.resolved_at))
                >= list_min(starts::timestamp[]),
                true
            )
        )
),
-- of the others neither a value nor the work of people counts
ended_id as materialized (
    select distinct cases.correlation_id
    from known as cases
    where
        cases.closed_at is not null
        or cases.verified_at is not null
),
ended as (
    select
        period.number as period,
        period.starts_at,
        period.ends_at,
        cases.*,
        own_flow(only_flow, split_by, cases.flow) as of_flow,
        case fate
            when 'recovered' then coalesce(cases.verified_at < period.ends_at, false)
            else coalesce(
                cases.closed_at < period.ends_at and cases.verified_at is null and cases.resolution_code = 'written_off',
                false
            )
        end as fits,
        case
            when cases.verified_at < period.ends_at then cases.verified_at
            when cases.closed_at < period.ends_at then cases.closed_at
        end as ended_at,
        case
            when cases.opened_at >= period.starts_at then null
            when cases.verified_at < period.starts_at then cases.verified_at
            when cases.closed_at < period.starts_at then cases.closed_at
            else 'infinity'::timestamp
        end as ended_before,
        if(fate = 'recovered', coalesce(cases.verified_at < period.starts_at, false), fits) as fitted,
        own.value.amount as unit_amount,
        own.value.currency as unit_currency,
        cases.people_at is not null
        or len(list_filter(person.done_at, lambda done: done >= cases.opened_at and done <= cases.verified_at)) > 0
            as by_people
    from known as cases
    inner join period(starts, ends) as period on cases.opened_at < period.ends_at
    left join (
        -- of the unit, in whichever of its flows
        select
            unit.tenant,
            unit.correlation_id,
            own_flow(only_flow, split_by, unit.flow) as of_flow,
            flatten(list(unit.human_times)) as done_at
        from unit
        where
            unit.human_times is not null
            and unit.correlation_id in (select ended_id.correlation_id from ended_id)
            and in_scope(unit.tenant, unit.flow, reach::varchar[])
            and (only_flow::varchar is null or unit.flow = only_flow)
        group by all
    ) as person
        on
            cases.correlation_id = person.correlation_id
            and cases.tenant is not distinct from person.tenant
            and person.of_flow is not distinct from own_flow(only_flow, split_by, cases.flow)
    left join own_value('ended_id', reach) as own
        on
            cases.correlation_id = own.correlation_id
            and cases.tenant is not distinct from own.tenant
),
stuck as (
    select
        period,
        starts_at,
        correlation_id,
        count(*) as exceptions,
        min(opened_at) as opened_at,
        bool_or(ended_at is null) as in_flight,
        max(ended_at) as closed_at,
        -- of several that ended in the same moment, one with the fate is enough
        arg_max(fits, struct_pack(a := ended_at, b := fits)) filter (where ended_at is not null) as came_to_it,
        coalesce(
            max(ended_before) < 'infinity'::timestamp
            and arg_max(fitted, struct_pack(a := ended_before, b := fitted)) filter (where ended_before is not null),
            false
        ) as had_come_to_it,
        coalesce(bool_or(by_people) filter (where fits), false) as by_people,
        first(
            struct_pack(
                flow := flow,
                {split} := {split},
                case_id := id,
                step := step,
                title := title,
                class := class,
                amount := if(value_amount is null or not fits, unit_amount, value_amount),
                currency := if(value_amount is null or not fits, unit_currency, value_currency)
            )
            order by
                fits desc,
                rough_value(value_amount, value_currency) desc nulls last,
                value_amount desc nulls last,
                opened_at,
                id
        ) as main
    from ended
    group by
        period,
        starts_at,
        tenant,
        correlation_id,
        of_flow
)
select
    period,
    in_flight,
    not in_flight as counted,
    correlation_id,
    exceptions,
    opened_at,
    closed_at,
    if(by_people, 'people', 'automatic') as recovered_by,
    main.flow,
    main.case_id,
    main.step,
    main.title,
    main.class,
    main.amount as value_amount,
    main.currency as value_currency,
    split_key(
        split_by, main.flow, main.step, main.class, if(by_people, 'people', 'automatic'),
        main.{split},
    ) as key
from stuck
where
    in_flight
    or (came_to_it and not had_come_to_it and closed_at >= starts_at);

-- unit_recovered: unit_fate of those that were proven recovered
create or replace macro unit_recovered(starts, ends, reach, only_flow, split_by) as table
select * from unit_fate('recovered', starts, ends, reach, only_flow, split_by);

-- unit_lost: unit_fate of those that were written off
create or replace macro unit_lost(starts, ends, reach, only_flow, split_by) as table
select * from unit_fate('lost', starts, ends, reach, only_flow, split_by);


-- case_act: one row per entry of the audit that changed an exception, with the episode in which it was written, and
-- when the next one was (null: none yet). What was done on an exception that was merged counts for the one that stays.
create or replace macro case_act(reach, only_flow) as table
with
entry as (
    select
        coalesce(folded_case.merged_into, audit.case_id) as case_id,
        audit.time,
        lead(audit.time) over (partition by audit.case_id order by audit.seq) as next_at,
        audit.actor_type,
        audit.verb,
        audit.to_state
    from audit
    left join folded_case on audit.case_id = folded_case.id
    where
        audit.kind = 'effect'
        and audit.case_id is not null
)
select
    entry.case_id,
    coalesce(max(reopened.episode), 1) as episode,
    entry.time,
    entry.next_at,
    entry.actor_type,
    entry.verb,
    entry.to_state
from entry
inner join exception_case on entry.case_id = exception_case.id
left join case_episode as reopened
    on
        entry.case_id = reopened.case_id
        and reopened.change = 'opened'
        and reopened.recorded_at <= entry.time
where
    in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
    and (only_flow::varchar is null or exception_case.flow = only_flow)
group by all;

-- case_claimed: one row per period and episode of an exception that was opened before its end and was open or claimed
-- in it. claimed_at: when a person first took it up, whatever the act: a claim, a retry, a word about it.
-- counted: in the period; in_flight: open at its end, and nobody had.
create or replace macro case_claimed(starts, ends, reach, only_flow, split_by) as table
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
    claim.claimed_at,
    coalesce(claim.claimed_at >= period.starts_at and claim.claimed_at < period.ends_at, false) as counted,
    coalesce(claim.claimed_at >= period.ends_at, true) and coalesce(cases.closed_at >= period.ends_at, true) as in_flight,
    greatest(epoch(least(claim.claimed_at, if(claim.claimed_at < period.ends_at, null, cases.closed_at), period.ends_at) - cases.opened_at), 0) as seconds
from episode(reach, only_flow, split_by) as cases
left join (
    select
        case_id,
        episode,
        min(time) as claimed_at
    from case_act(reach, only_flow)
    where
        actor_type = 'human'
        and verb in ('claimed', 'retried', 'edited', 'decided', 'fixed_outside', 'resolved')
    group by
        case_id,
        episode
) as claim
    on
        cases.id = claim.case_id
        and cases.number = claim.episode
inner join period(starts, ends) as period
    on
        cases.opened_at < period.ends_at
        and coalesce(greatest(claim.claimed_at, cases.closed_at), 'infinity'::timestamp) >= period.starts_at
where
    -- claimed before the period
    coalesce(claim.claimed_at >= period.starts_at, true)
    -- ended before it, and claimed after it or by nobody
    and (coalesce(cases.closed_at >= period.starts_at, true) or claim.claimed_at < period.ends_at);

-- case_work: one row per episode of an exception and stretch of a person's work on it. It begins with each act that
-- leaves the exception claimed, and ends with the next act of anyone, at the latest after ten minutes.
create or replace macro case_work(reach, only_flow) as table
select
    case_id,
    episode,
    time as began_at,
    least(next_at, time + interval '10 minutes') as ended_at
from case_act(reach, only_flow)
where
    actor_type = 'human'
    and to_state = 'claimed';

-- case_handled: one row per period and episode of an exception that somebody claimed: ended in the period, or open
-- at its end (in_flight). seconds: how long people worked on it up to then.
create or replace macro case_handled(starts, ends, reach, only_flow, split_by) as table
select
    cases.* exclude (seconds),
    cases.ended as counted,
    cases.still_open as in_flight,
    sum(epoch(least(work.ended_at, cases.ends_at) - work.began_at)) as seconds
from case_in_period(starts, ends, reach, only_flow, split_by) as cases
inner join case_work(reach, only_flow) as work
    on
        cases.case_id = work.case_id
        and cases.episode = work.episode
        and work.began_at < cases.ends_at
where
    cases.ended
    or cases.still_open
group by all;

-- case_worked: one row per period and exception that people worked on in it, with the seconds that they did
create or replace macro case_worked(starts, ends, reach, only_flow, split_by) as table
select
    period.number as period,
    cases.key,
    cases.id as case_id,
    cases.correlation_id,
    cases.flow,
    cases.step,
    cases.title,
    cases.class,
    min(greatest(work.began_at, period.starts_at)) as began_at,
    count(*) as stretches,
    sum(epoch(least(work.ended_at, period.ends_at) - greatest(work.began_at, period.starts_at))) as seconds
from episode(reach, only_flow, split_by) as cases
inner join case_work(reach, only_flow) as work
    on
        cases.id = work.case_id
        and cases.number = work.episode
inner join period(starts, ends) as period
    on
        work.began_at < period.ends_at
        and work.ended_at > period.starts_at
group by
    period.number,
    cases.key,
    cases.id,
    cases.correlation_id,
    cases.flow,
    cases.step,
    cases.title,
    cases.class;
