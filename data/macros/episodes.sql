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
        split_by, exception_case.flow, exception_case.class, null,
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

-- unit_at_risk: one row per period and unit with an exception open at the end of the period.
-- The most valuable exception speaks for the unit, by rough rates between currencies; of equals, the oldest.
create or replace macro unit_at_risk(starts, ends, reach, only_flow, split_by) as table
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
    coalesce(stuck.main.amount, unit.value_amount) as value_amount,
    case when stuck.main.amount is null then unit.value_currency else stuck.main.currency end as value_currency
from (
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
) as stuck
left join unit
    on
        stuck.correlation_id = unit.correlation_id
        and stuck.main.flow = unit.flow
        and stuck.tenant is not distinct from unit.tenant
        and in_scope(unit.tenant, unit.flow, reach::varchar[]);

-- unit_recovered: one row per period and unit with exceptions that was proven recovered in the period, or is in
-- flight at its end. One that was recovered at the start of the period already counts nothing again.
-- The most valuable recovered exception speaks for the unit, as in unit_at_risk.
create or replace macro unit_recovered(starts, ends, reach, only_flow, split_by) as table
with
known as materialized (
    select cases.*
    from episode(reach, only_flow, null) as cases
    where
        (coalesce(cases.tenant, ''), cases.correlation_id) in (
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
ended as (
    select
        period.number as period,
        period.starts_at,
        period.ends_at,
        cases.*,
        own_flow(only_flow, split_by, cases.flow) as of_flow,
        coalesce(cases.verified_at < period.ends_at, false) as proven,
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
        unit.value_amount as unit_amount,
        unit.value_currency as unit_currency,
        cases.people_at is not null
        or len(list_filter(unit.human_times, lambda done: done >= cases.opened_at and done <= cases.verified_at)) > 0
            as by_people
    from known as cases
    inner join period(starts, ends) as period on cases.opened_at < period.ends_at
    left join unit
        on
            cases.correlation_id = unit.correlation_id
            and cases.flow = unit.flow
            and cases.tenant is not distinct from unit.tenant
            and in_scope(unit.tenant, unit.flow, reach::varchar[])
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
        arg_max(proven, ended_at) as recovered,
        coalesce(
            max(ended_before) < 'infinity'::timestamp
            and arg_max(coalesce(verified_at < starts_at, false), ended_before),
            false
        ) as was_recovered,
        coalesce(bool_or(by_people) filter (where proven), false) as by_people,
        first(
            struct_pack(
                flow := flow,
                {split} := {split},
                case_id := id,
                step := step,
                title := title,
                class := class,
                amount := if(value_amount is null or not proven, unit_amount, value_amount),
                currency := if(value_amount is null or not proven, unit_currency, value_currency)
            )
            order by
                proven desc,
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
        split_by, main.flow, main.class, if(by_people, 'people', 'automatic'),
        main.{split},
    ) as key
from stuck
where
    in_flight
    or (recovered and not was_recovered and closed_at >= starts_at);
