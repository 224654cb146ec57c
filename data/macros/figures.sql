-- The shared nouns of the figures over units; see basis.sql for the parameters.
--
-- What a figure calls a unit is a correlation ID of a tenant: over all flows once, within one flow (of_flow)
-- where a flow is asked for or flows are compared.

-- shared_id: one row per ID of `ids`, flow and tenant, of the IDs that are in several tenants; only_one: the flow has
-- the ID in this tenant alone. `ids` names a step of the statement with a column correlation_id: to look for such IDs
-- in all units would cost the same for a figure of one hour as for one of a year.
create or replace macro shared_id(ids) as table
select
    unit.correlation_id,
    unit.flow,
    unit.tenant,
    count(*) over (partition by unit.correlation_id, unit.flow) = 1 as only_one
from unit
where
    unit.correlation_id in (
        select by_id.correlation_id
        from unit as by_id
        where by_id.correlation_id in (select asked_id.correlation_id from query_table(ids) as asked_id)
        group by by_id.correlation_id
        having min(coalesce(by_id.tenant, '')) <> max(coalesce(by_id.tenant, ''))
    );

-- unit_attempt: one row per attempt of the IDs of `ids`, as shared_id takes them. It names no tenant: where its ID is in
-- several (in_several), tenant is that of its trace, or the only one that has the ID in its flow. Where the ID is in one
-- tenant, tenant is null and need not be asked.
create or replace macro unit_attempt(ids) as table
with
tried_id as materialized (
    select distinct correlation_id from query_table(ids)
),
shared as materialized (
    select * from shared_id('tried_id')
)
select
    attempt.record_id,
    attempt.correlation_id,
    attempt.flow,
    attempt.step,
    attempt.attempt,
    attempt.started_at,
    attempt.ended_at,
    attempt.outcome,
    attempt.error_class,
    attempt.dependency,
    attempt.retry_id,
    null as tenant,
    false as in_several
from attempt
where
    attempt.correlation_id in (select tried_id.correlation_id from tried_id)
    and attempt.correlation_id not in (select shared.correlation_id from shared)
union all
select
    attempt.record_id,
    attempt.correlation_id,
    attempt.flow,
    attempt.step,
    attempt.attempt,
    attempt.started_at,
    attempt.ended_at,
    attempt.outcome,
    attempt.error_class,
    attempt.dependency,
    attempt.retry_id,
    shared.tenant,
    true
from attempt
inner join shared
    on
        attempt.correlation_id = shared.correlation_id
        and attempt.flow = shared.flow
where
    shared.only_one
    or (attempt.trace_id, shared.correlation_id, shared.flow, coalesce(shared.tenant, '')) in (
        select
            unit_trace.trace_id,
            unit_trace.correlation_id,
            unit_trace.flow,
            coalesce(unit_trace.tenant, '')
        from unit_trace
        where unit_trace.correlation_id in (select named.correlation_id from shared as named)
    );

-- unit_part: one row per ID and flow of the units that matter for some periods: those of which a part was in
-- flight, or had its last signal or an exception open, since the first of them. What only another flow of the ID names counts for all.
-- in_one_flow: the ID has no other part.
create or replace macro unit_part(starts, ends, reach, only_flow, split_by) as table
with
-- each condition is of one column, which lets DuckDB skip what lies before the periods
recent as (
    select tenant, correlation_id, flow, opened_at, outcome
    from unit
    where completed_at >= list_min(starts::timestamp[])
    union all
    select tenant, correlation_id, flow, opened_at, outcome
    from unit
    where failed_at >= list_min(starts::timestamp[])
    union all
    select tenant, correlation_id, flow, opened_at, outcome
    from unit
    where
        completed_at is null
        and failed_at is null
),
reached as materialized (
    select
        unit.tenant as of_tenant,
        unit.correlation_id,
        unit.flow,
        unit.opened_at,
        unit.outcome,
        unit.first_completed_at,
        unit.first_failed_at,
        unit.first_error_at,
        unit.human_at,
        unit.failed_attempts,
        unit.value_amount,
        unit.value_currency,
        unit.{split},
    from unit
    where
        in_scope(unit.tenant, unit.flow, reach::varchar[])
        and (coalesce(unit.tenant, ''), unit.correlation_id) in (
            select
                coalesce(recent.tenant, ''),
                recent.correlation_id
            from recent
            where
                in_scope(recent.tenant, recent.flow, reach::varchar[])
                and (only_flow::varchar is null or recent.flow = only_flow)
                and recent.opened_at < list_max(ends::timestamp[])
                and recent.outcome is distinct from 'ended'
            union all
            select
                coalesce(exception_case.tenant, ''),
                exception_case.correlation_id
            from exception_case
            where
                is_counted(exception_case.note)
                and exception_case.opened_at < list_max(ends::timestamp[])
                -- one that was open all the time changes nothing of its unit
                and (
                    exception_case.opened_at >= list_min(starts::timestamp[])
                    or exception_case.episodes > 1
                    or greatest(exception_case.verified_at, exception_case.resolved_at) >= list_min(starts::timestamp[])
                )
        )
),
of_several as materialized (
    select
        of_tenant,
        correlation_id,
        max({split}) as {split},
        true as found
    from reached
    group by
        of_tenant,
        correlation_id
    having count(*) > 1
)
select
    part.* replace (
        coalesce(whole.{split}, part.{split}) as {split},
    ),
    whole.found is null as in_one_flow,
    own_flow(only_flow, split_by, part.flow) as of_flow
from reached as part
left join of_several as whole
    on
        part.correlation_id = whole.correlation_id
        and part.of_tenant is not distinct from whole.of_tenant
where
    part.outcome is distinct from 'ended'
    and part.opened_at < list_max(ends::timestamp[])
    and (only_flow::varchar is null or part.flow = only_flow);

-- part_state: one row per part of `parts` (a step of the statement: number, correlation_id, flow, of_tenant,
-- in_one_tenant) and moment at which its state may change, before `until`: success, completed_unproven or failed.
-- A success is none while an exception of the part is open that it does not prove; the last signal decides.
-- One that arrived after a person had closed the exception, and was judged by nobody, ends it at its own time.
create or replace macro part_state(parts, until) as table
with
signalled as materialized (
    select
        part.number,
        part.flow,
        unit_signal.time,
        case
            when unit_signal.outcome in ('success', 'completed_unproven') then unit_signal.outcome
        end as completed,
        unit_signal.outcome not in ('success', 'completed_unproven') as failed,
        0 as opened,
        min(unit_signal.recorded_at) as recorded_at
    from query_table(parts) as part
    inner join unit_signal
        on
            part.correlation_id = unit_signal.correlation_id
            and part.flow = unit_signal.flow
            -- no signal is older than its unit: the rest of the table need not be read
            and unit_signal.time >= part.opened_at
            and (
                part.of_tenant is not distinct from unit_signal.tenant
                or (unit_signal.tenant is null and part.in_one_tenant)
            )
    where
        unit_signal.time < until
        and is_end(unit_signal.outcome)
    group by
        part.number,
        part.flow,
        unit_signal.trace_id,
        unit_signal.record_id,
        unit_signal.time,
        unit_signal.outcome
    having sum(unit_signal.change) > 0
),
stuck as (
    select
        part.number,
        part.flow,
        cases.opened_at,
        cases.verified_at,
        least(cases.closed_at, cases.verified_at, min(signalled.time)) as closed_at
    from query_table(parts) as part
    inner join episode(null, null, null) as cases
        on
            part.correlation_id = cases.correlation_id
            and part.flow = cases.flow
            and part.of_tenant is not distinct from cases.tenant
    left join case_episode as closing
        on
            cases.id = closing.case_id
            and cases.number = closing.episode
            and closing.change = 'closed'
            and closing.how = 'resolved'
    left join signalled
        on
            part.number = signalled.number
            and part.flow = signalled.flow
            and signalled.completed is not null
            and signalled.time > cases.opened_at
            and signalled.recorded_at > closing.recorded_at
    where coalesce(cases.note, '') not in ('needs a look', 'the script went on after this error', 'partial')
    group by
        part.number,
        part.flow,
        cases.id,
        cases.number,
        cases.opened_at,
        cases.verified_at,
        cases.closed_at
),
event as (
    select
        number,
        flow,
        time,
        max(completed) as completed,
        bool_or(failed) as failed,
        sum(opened) as opened
    from (
        select * exclude (recorded_at) from signalled
        union all
        select number, flow, opened_at, null, false, 1 from stuck
        union all
        select number, flow, closed_at, null, false, -1 from stuck
        union all
        select number, flow, verified_at, 'success', false, 0 from stuck
    ) as everything
    where time < until
    group by
        number,
        flow,
        time
),
standing as (
    select
        *,
        sum(opened) over (partition by number, flow order by time) > 0 as is_stuck
    from event
),
latest as (
    select
        *,
        max(case when not is_stuck and completed is not null then time end)
            over (partition by number, flow order by time) as completed_at,
        max(case when failed or (is_stuck and completed is not null) then time end)
            over (partition by number, flow order by time) as failed_at,
        last_value(case when not is_stuck then completed end ignore nulls)
            over (partition by number, flow order by time) as how
    from standing
)
select
    number,
    flow,
    time,
    case
        when is_stuck or completed_at is null or completed_at < failed_at then 'failed'
        else how
    end as state
from latest
where
    completed_at is not null
    or failed_at is not null;

-- unit_of_parts: one row per period and unit that finished in it or was in flight at its end. `given` names a step of
-- the statement with rows of unit_part; those of an ID with the same of_flow are one unit.
-- A unit finished in a period if its state at the end is another than at the start: it counts once by its last
-- state, and a state that is only repeated counts nothing again. Over several flows it failed if it failed in any,
-- and completed when it completed in every flow that it entered.
-- Units of which only a root span ended prove nothing (outcome ended) and are left out.
create or replace macro unit_of_parts(given, starts, ends, split_by) as table
with
part as materialized (
    select * from query_table(given)
),
-- most IDs have one part: to group these would be a third of what this costs
alone as (
    select
        of_tenant,
        correlation_id,
        of_flow,
        flow,
        opened_at,
        first_error_at,
        human_at,
        failed_attempts::bigint as failed_attempts,
        struct_pack(amount := value_amount, currency := value_currency) as value,
        {split},
        true as in_one_flow,
        first_completed_at,
        first_failed_at,
        coalesce(outcome = 'completed_unproven', false) as has_history
    from part
    where in_one_flow
),
joined as (
    select
        of_tenant,
        correlation_id,
        of_flow,
        arg_min(flow, struct_pack(a := opened_at, b := flow)) as flow,
        min(opened_at) as opened_at,
        min(first_error_at) as first_error_at,
        min(human_at) as human_at,
        sum(failed_attempts)::bigint as failed_attempts,
        first(
            struct_pack(amount := value_amount, currency := value_currency)
            order by rough_value(value_amount, value_currency) desc nulls last, value_amount desc nulls last, flow
        ) as value,
        any_value({split}) as {split},
        false as in_one_flow,
        min(first_completed_at) as first_completed_at,
        min(first_failed_at) as first_failed_at,
        count(*) > 1 or coalesce(bool_or(outcome = 'completed_unproven'), false) as has_history
    from part
    where not in_one_flow
    group by
        of_tenant,
        correlation_id,
        of_flow
),
whole as materialized (
    select
        unit.* exclude (first_completed_at, first_failed_at)
        replace (
            -- its history has to be read
            unit.has_history
            or (unit.first_completed_at is not null and unit.first_failed_at is not null)
            or (coalesce(unit.of_tenant, ''), unit.correlation_id) in (
                select
                    coalesce(exception_case.tenant, ''),
                    exception_case.correlation_id
                from exception_case
                where is_counted(exception_case.note)
            ) as has_history
        ),
        row_number() over () as number,
        coalesce(unit.first_completed_at, unit.first_failed_at) as turned_at,
        case
            when unit.first_completed_at is not null then 'success'
            when unit.first_failed_at is not null then 'failed'
        end as turned_to
    from (
        from alone
        union all
        from joined
    ) as unit
),
old_id as materialized (
    select distinct correlation_id
    from whole
    where has_history
),
of_several as materialized (
    -- of all units, not only of those that matter for the periods
    select
        unit.correlation_id,
        unit.flow
    from unit
    where unit.correlation_id in (select old_id.correlation_id from old_id)
    group by
        unit.correlation_id,
        unit.flow
    having count(*) > 1
),
old_part as materialized (
    select
        whole.number,
        part.of_tenant,
        part.correlation_id,
        part.flow,
        part.opened_at,
        (part.correlation_id, part.flow) not in (
            select
                of_several.correlation_id,
                of_several.flow
            from of_several
        ) as in_one_tenant
    from part
    inner join whole
        on
            part.correlation_id = whole.correlation_id
            and part.of_tenant is not distinct from whole.of_tenant
            and part.of_flow is not distinct from whole.of_flow
    where whole.has_history
),
turn as (
    select
        number,
        flow,
        time,
        state,
        lag(state) over (partition by number, flow order by time) as before
    from part_state('old_part', list_max(ends::timestamp[]))
    qualify state is distinct from before
),
change as (
    select
        number,
        time,
        sum(sum(entered)) over (partition by number order by time) as entered,
        sum(sum(failed)) over (partition by number order by time) as failed,
        sum(sum(succeeded)) over (partition by number order by time) as succeeded,
        sum(sum(unproven)) over (partition by number order by time) as unproven
    from (
        select number, opened_at as time, 1 as entered, 0 as failed, 0 as succeeded, 0 as unproven from old_part
        union all
        select
            number,
            time,
            0,
            (state = 'failed')::int - coalesce(before = 'failed', false)::int,
            (state = 'success')::int - coalesce(before = 'success', false)::int,
            (state = 'completed_unproven')::int - coalesce(before = 'completed_unproven', false)::int
        from turn
    ) as counted
    group by
        number,
        time
),
history as (
    select
        number,
        time,
        case
            when failed > 0 then 'failed'
            when succeeded + unproven < entered then 'in_flight'
            when unproven > 0 then 'completed_unproven'
            else 'success'
        end as state
    from change
    qualify state is distinct from lag(state) over (partition by number order by time)
),
stated as (
    select
        whole.* exclude (turned_at, turned_to, has_history),
        period.number as period,
        period.ends_at,
        case when whole.turned_at < period.ends_at then whole.turned_at end as closed_at,
        case when whole.turned_at < period.ends_at then whole.turned_to else 'in_flight' end as state,
        null as state_before
    from whole
    inner join period(starts, ends) as period
        on
            whole.opened_at < period.ends_at
            and coalesce(whole.turned_at, 'infinity'::timestamp) >= period.starts_at
    where not whole.has_history
    union all by name
    select
        whole.* exclude (turned_at, turned_to, has_history),
        past.period,
        past.ends_at,
        case when past.state <> 'in_flight' then past.closed_at end as closed_at,
        past.state,
        past.state_before
    from whole
    inner join (
        select
            history.number,
            period.number as period,
            period.ends_at,
            arg_max(history.state, history.time) as state,
            max(history.time) as closed_at,
            arg_max(history.state, history.time) filter (where history.time < period.starts_at) as state_before
        from history
        inner join period(starts, ends) as period on history.time < period.ends_at
        group by
            history.number,
            period.number,
            period.ends_at
    ) as past on whole.number = past.number
)
select
    stated.* exclude (number, value),
    stated.value.amount as value_amount,
    stated.value.currency as value_currency,
    split_key(
        split_by, flow, null, null, null,
        {split},
    ) as key,
    state <> 'in_flight' as closed,
    state in ('success', 'completed_unproven') as completed,
    state = 'success' as succeeded,
    state = 'in_flight' as in_flight
from stated
where
    state = 'in_flight'
    or state is distinct from state_before;

-- unit_of_periods: unit_of_parts of all parts that matter for some periods
create or replace macro unit_of_periods(starts, ends, reach, only_flow, split_by) as table
with
mattering as materialized (
    select * from unit_part(starts, ends, reach, only_flow, split_by)
)
select * exclude (in_one_flow) from unit_of_parts('mattering', starts, ends, split_by);

-- unit_in_period: unit_of_periods, as figures ask for it. Where several figures of the same periods are made together,
-- kpis/read_held_units puts rows that were made once in its place; a figure of other periods asks unit_of_periods.
create or replace macro unit_in_period(starts, ends, reach, only_flow, split_by) as table
select * from unit_of_periods(starts, ends, reach, only_flow, split_by);

-- unit_shape: one row per period and unit that finished in it, with the acts of people and the exceptions up to
-- its end. with_error: something failed, even if the unit succeeded then. shape: how it ended.
create or replace macro unit_shape(starts, ends, reach, only_flow, split_by) as table
with
closed_unit as materialized (
    select
        row_number() over () as number,
        ended.*
    from unit_in_period(starts, ends, reach, only_flow, split_by) as ended
    where ended.closed
),
touched as (
    select
        closed_unit.number,
        count(*) as human_acts
    from closed_unit
    inner join unit_touch(reach, only_flow, split_by) as touch
        on
            closed_unit.correlation_id = touch.correlation_id
            and closed_unit.of_tenant is not distinct from touch.tenant
            and closed_unit.of_flow is not distinct from touch.of_flow
            and touch.touched_at <= closed_unit.closed_at
    group by closed_unit.number
),
stuck as (
    select
        closed_unit.number,
        count(distinct cases.case_id) filter (where cases.opened_at <= closed_unit.closed_at) as exceptions,
        arg_max(cases.class, struct_pack(a := cases.opened_at, b := cases.case_id))
            filter (where cases.opened_at <= closed_unit.closed_at) as class,
        bool_or(cases.state = 'resolved' and cases.closed_at < closed_unit.ends_at)
        and bool_and(coalesce(cases.closed_at < closed_unit.ends_at, false)) as closed_by_hand
    from closed_unit
    inner join unit_exception(reach, only_flow, split_by) as cases
        on
            closed_unit.correlation_id = cases.correlation_id
            and closed_unit.of_tenant is not distinct from cases.tenant
            and closed_unit.of_flow is not distinct from cases.of_flow
            and cases.opened_at < closed_unit.ends_at
    group by closed_unit.number
)
select
    closed_unit.* exclude (number),
    coalesce(touched.human_acts, 0) as human_acts,
    coalesce(stuck.exceptions, 0) as exceptions,
    stuck.class,
    coalesce(closed_unit.first_error_at <= closed_unit.closed_at, false) or coalesce(stuck.exceptions > 0, false) as with_error,
    case
        when not closed_unit.completed then case when stuck.closed_by_hand then 'manual' else 'failed' end
        when touched.human_acts is null then 'touchless'
        else 'assisted'
    end as shape
from closed_unit
left join touched on closed_unit.number = touched.number
left join stuck on closed_unit.number = stuck.number;

-- step_failure: one row per unit and step at which it failed from since up to before, in whichever way it is
-- known. Its class is that of its exception there, or of its latest failed attempt. In a split it has what any of its
-- flows in the tenant states.
create or replace macro step_failure(since, before, reach, only_flow, split_by) as table
with
failed_id as materialized (
    select distinct correlation_id
    from attempt
    where
        outcome = 'error'
        and ended_at >= since
        and ended_at < before
        and (only_flow::varchar is null or flow = only_flow)
),
failed as (
    select
        unit.tenant,
        tried.correlation_id,
        tried.flow,
        tried.step,
        tried.error_class as class,
        tried.ended_at as failed_at,
        false as of_case
    from unit_attempt('failed_id') as tried
    left join unit
        on
            tried.correlation_id = unit.correlation_id
            and tried.flow = unit.flow
            and (not tried.in_several or tried.tenant is not distinct from unit.tenant)
    where
        tried.outcome = 'error'
        and tried.ended_at >= since
        and tried.ended_at < before
        and (only_flow::varchar is null or tried.flow = only_flow)
        and (reach::varchar[] is null or in_scope(unit.tenant, unit.flow, reach::varchar[]))
    union all
    select
        exception_case.tenant,
        exception_case.correlation_id,
        exception_case.flow,
        exception_case.step,
        exception_case.class,
        case_occurrence.time as failed_at,
        true as of_case
    from case_occurrence
    inner join exception_case on case_occurrence.case_id = exception_case.id
    where
        case_occurrence.time >= since
        and case_occurrence.time < before
        and in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
        and is_counted(case_occurrence.note)
        and (only_flow::varchar is null or exception_case.flow = only_flow)
),
failed_step as (
    select
        tenant,
        correlation_id,
        flow,
        step,
        coalesce(
            arg_max(class, failed_at) filter (where of_case),
            arg_max(class, failed_at),
            'unknown'
        ) as class,
        count(*) filter (where not of_case) as failed_attempts,
        max(failed_at) as failed_at
    from failed
    group by
        tenant,
        correlation_id,
        flow,
        step
)
select
    failed_step.*,
    split_key(
        split_by, failed_step.flow, failed_step.step, failed_step.class, null,
        context.{split},
    ) as key
from failed_step
left join (
    select
        unit.tenant,
        unit.correlation_id,
        max(unit.{split}) as {split},
    from unit
    where
        split_by::varchar is not null
        and in_scope(unit.tenant, unit.flow, reach::varchar[])
        and unit.correlation_id in (select named.correlation_id from failed_step as named)
    group by
        unit.tenant,
        unit.correlation_id
) as context
    on
        failed_step.correlation_id = context.correlation_id
        and failed_step.tenant is not distinct from context.tenant;

-- marked_among: the rows of `units` (a step of the statement with rows of unit_in_period) with what `marks` says of each
-- up to its end. `marks` names a step with the columns tenant, correlation_id, of_flow, marked_at and special.
-- marked: there is one; special: a special one. waiting: it is in flight, and there is one before the end of the period.
create or replace macro marked_among(units, marks) as table
select
    unit.*,
    coalesce(mark.marked_at <= unit.closed_at, false) as marked,
    coalesce(mark.special_at <= unit.closed_at, false) as special,
    unit.in_flight and coalesce(mark.marked_at < unit.ends_at, false) as waiting
from query_table(units) as unit
left join (
    select
        tenant,
        correlation_id,
        of_flow,
        min(marked_at) as marked_at,
        min(marked_at) filter (where special) as special_at
    from query_table(marks)
    group by
        tenant,
        correlation_id,
        of_flow
) as mark
    on
        unit.correlation_id = mark.correlation_id
        and unit.of_tenant is not distinct from mark.tenant
        and unit.of_flow is not distinct from mark.of_flow;

-- unit_marked: marked_among the units of some periods
create or replace macro unit_marked(marks, starts, ends, reach, only_flow, split_by) as table
with
marking as (
    select * from unit_in_period(starts, ends, reach, only_flow, split_by)
)
select * from marked_among('marking', marks);

-- unit_intervention: one row per unit and time at which a person touched it between the failure and the end of an
-- exception of it
create or replace macro unit_intervention(reach, only_flow, split_by) as table
select
    touch.tenant,
    touch.correlation_id,
    touch.of_flow,
    touch.touched_at as marked_at,
    true as special
from unit_touch(reach, only_flow, split_by) as touch
inner join unit_exception(reach, only_flow, split_by) as cases
    on
        touch.correlation_id = cases.correlation_id
        and touch.tenant is not distinct from cases.tenant
        and touch.of_flow is not distinct from cases.of_flow
        and touch.touched_at >= cases.opened_at
        and coalesce(touch.touched_at <= cases.closed_at, true);

-- step_retry: one row per attempt of a unit's step after the first that ended from since up to before, of the IDs of
-- `ids` (a step of the statement), with its tenant as unit_attempt finds it.
-- by_people: somebody asked for it. wasted: the failure before it was a business error.
create or replace macro step_retry(ids, since, before, reach, only_flow) as table
with
tried as materialized (
    select
        *,
        lag(error_class) over (
            partition by tenant, correlation_id, flow, step
            order by ended_at, attempt
        ) as class_before,
        lag(dependency) over (
            partition by tenant, correlation_id, flow, step
            order by ended_at, attempt
        ) as dependency_before
    from unit_attempt(ids)
    where
        outcome = 'error'
        or attempt > 1
    qualify attempt > 1
)
select
    tried.record_id,
    tried.correlation_id,
    tried.flow,
    unit.{split},
    tried.step,
    tried.attempt,
    tried.started_at,
    tried.ended_at,
    greatest(epoch(tried.ended_at - tried.started_at), 0) as seconds,
    tried.outcome,
    coalesce(tried.error_class, tried.class_before, 'unknown') as class,
    coalesce(tried.dependency, tried.dependency_before) as dependency,
    tried.retry_id is not null as by_people,
    coalesce(tried.class_before = 'business', false) as wasted
from tried
inner join (
    select
        held.tenant as of_tenant,
        held.correlation_id,
        held.flow,
        max(held.{split}) over (partition by held.tenant, held.correlation_id) as {split},
    from unit as held
    where
        in_scope(held.tenant, held.flow, reach::varchar[])
        and held.correlation_id in (select again.correlation_id from tried as again)
) as unit
    on
        tried.correlation_id = unit.correlation_id
        and tried.flow = unit.flow
        and (not tried.in_several or tried.tenant is not distinct from unit.of_tenant)
where
    tried.ended_at >= since
    and tried.ended_at < before
    and (only_flow::varchar is null or unit.flow = only_flow);

-- unit_answered: unit_in_period with what is known of each unit up to its end: who ended it, what it carried, which
-- steps ran, why its exceptions ended, and whether its approvals were decided. A flow that began later answers nothing,
-- nor does one outside of the scope.
create or replace macro unit_answered(starts, ends, reach, only_flow, split_by) as table
with
asked as materialized (
    select
        row_number() over () as number,
        unit.*
    from unit_in_period(starts, ends, reach, only_flow, split_by) as unit
),
of_several as materialized (
    select distinct asked.correlation_id
    from asked
    inner join unit
        on
            asked.correlation_id = unit.correlation_id
            and coalesce(asked.of_tenant, '') <> coalesce(unit.tenant, '')
),
ended_by as (
    select distinct number
    from (
        select asked.number
        from asked
        inner join unit_signal
            on
                asked.correlation_id = unit_signal.correlation_id
                and (asked.of_flow is null or asked.of_flow = unit_signal.flow)
                and in_scope(asked.of_tenant, unit_signal.flow, reach::varchar[])
                and (
                    asked.of_tenant is not distinct from unit_signal.tenant
                    or (unit_signal.tenant is null and asked.correlation_id not in (select of_several.correlation_id from of_several))
                )
                and unit_signal.time <= asked.closed_at
        where unit_signal.part is not null
        group by
            asked.number,
            unit_signal.trace_id,
            unit_signal.record_id,
            unit_signal.time,
            unit_signal.outcome
        -- a signal that later records took back is none
        having sum(unit_signal.change) > 0
    ) as named
),
carried as (
    select distinct asked.number
    from asked
    inner join unit as part
        on
            asked.correlation_id = part.correlation_id
            and asked.of_tenant is not distinct from part.tenant
            and part.opened_at <= asked.closed_at
            and in_scope(part.tenant, part.flow, reach::varchar[])
    where
        (part.value_amount is not null and (asked.of_flow is null or asked.of_flow = part.flow))
        or coalesce(
            part.{split},
        ) is not null
),
walked as (
    select distinct asked.number
    from asked
    inner join attempt
        on
            asked.correlation_id = attempt.correlation_id
            and (asked.of_flow is null or asked.of_flow = attempt.flow)
            and in_scope(asked.of_tenant, attempt.flow, reach::varchar[])
            and attempt.ended_at <= asked.closed_at
    where asked.correlation_id not in (select of_several.correlation_id from of_several)
    union all
    select distinct asked.number
    from asked
    inner join unit_attempt('of_several') as attempt
        on
            asked.correlation_id = attempt.correlation_id
            and (asked.of_flow is null or asked.of_flow = attempt.flow)
            and in_scope(asked.of_tenant, attempt.flow, reach::varchar[])
            and asked.of_tenant is not distinct from attempt.tenant
            and attempt.ended_at <= asked.closed_at
),
unexplained as (
    select distinct asked.number
    from asked
    inner join unit_exception(reach, only_flow, split_by) as cases
        on
            asked.correlation_id = cases.correlation_id
            and asked.of_tenant is not distinct from cases.tenant
            and asked.of_flow is not distinct from cases.of_flow
            and cases.closed_at < asked.ends_at
    where cases.state = 'expired'
),
undecided as (
    select distinct asked.number
    from asked
    inner join exception_case as approval
        on
            asked.correlation_id = approval.correlation_id
            and asked.of_tenant is not distinct from approval.tenant
            and (asked.of_flow is null or asked.of_flow = approval.flow)
            and in_scope(approval.tenant, approval.flow, reach::varchar[])
            and approval.opened_at <= asked.closed_at
    where
        approval.approval_id is not null
        and not coalesce(
            approval.resolution_code in ('approved', 'rejected', 'approved_outside', 'rejected_outside')
            and approval.resolved_at < asked.ends_at,
            false
        )
)
select
    asked.*,
    ended_by.number is not null as who,
    carried.number is not null as what,
    walked.number is not null as steps,
    unexplained.number is null as why,
    undecided.number is null as approvals
from asked
left join ended_by on asked.number = ended_by.number
left join carried on asked.number = carried.number
left join walked on asked.number = walked.number
left join unexplained on asked.number = unexplained.number
left join undecided on asked.number = undecided.number;

-- retry_in_period: step_retry by the period in which the attempt ended
create or replace macro retry_in_period(starts, ends, reach, only_flow) as table
with
again_id as materialized (
    select distinct correlation_id
    from attempt
    where
        attempt > 1
        and ended_at >= list_min(starts::timestamp[])
        and ended_at < list_max(ends::timestamp[])
        and (only_flow::varchar is null or flow = only_flow)
)
select
    period.number as period,
    retried.*
from step_retry('again_id', list_min(starts::timestamp[]), list_max(ends::timestamp[]), reach, only_flow) as retried
inner join period(starts, ends) as period
    on
        retried.ended_at >= period.starts_at
        and retried.ended_at < period.ends_at;

-- unit_retried: unit_marked by the attempts of its steps after the first; special: somebody asked for one
create or replace macro unit_retried(starts, ends, reach, only_flow, split_by) as table
with
finished as materialized (
    select * from unit_in_period(starts, ends, reach, only_flow, split_by)
),
again_id as materialized (
    -- of these units alone: whatever was ever tried again is not looked at
    select distinct attempt.correlation_id
    from attempt
    where
        attempt.attempt > 1
        and attempt.ended_at < list_max(ends::timestamp[])
        and (only_flow::varchar is null or attempt.flow = only_flow)
        and attempt.correlation_id in (select finished.correlation_id from finished)
),
try_again as (
    select
        tenant,
        correlation_id,
        own_flow(only_flow, split_by, flow) as of_flow,
        ended_at as marked_at,
        by_people as special
    from step_retry('again_id', '-infinity'::timestamp, list_max(ends::timestamp[]), reach, only_flow)
)
select * from marked_among('finished', 'try_again');

-- unit_touched: unit_marked by what people did for it
create or replace macro unit_touched(starts, ends, reach, only_flow, split_by) as table
with
touch as (
    select
        tenant,
        correlation_id,
        of_flow,
        touched_at as marked_at,
        false as special
    from unit_touch(reach, only_flow, split_by)
)
select * from unit_marked('touch', starts, ends, reach, only_flow, split_by);
