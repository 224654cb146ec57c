-- The shared noun of lists of exceptions. A macro takes the columns of the table as they are when it is used.

-- next_due: the due time of an exception that counts now, as Case.next_due_at gives it
create or replace macro next_due(triaged, triage_due, due) as case when triaged is null then least(triage_due, due) else due end;

-- next_warns: from when on a quarter of the time to that is left, as Case.next_warns_at gives it
create or replace macro next_warns(triaged, triage_due, due, triage_warns, warns) as
if(triaged is null and triage_due is not null and coalesce(triage_due <= due, true), triage_warns, warns);

-- urgent_at: by what exceptions are ordered as urgent. What was taken up and given back waits as it did before, behind
-- nothing that came later: the end, which counts for it now, may be hours behind the triage of what is new
create or replace macro urgent_at(state, triaged, triage_due, due) as
if(state = 'open', least(triage_due, due), next_due(triaged, triage_due, due));

-- is_due: whether an exception that waits for a person and is not snoozed is breached, due in the next hour,
-- warns as a quarter of its time is left, or is unaddressed at a moment: nobody took it up by its triage due time
create or replace macro is_due(word, moment, state, snoozed, triaged, triage_due, due, triage_warns, warns) as
state in ('open', 'claimed', 'awaiting_approval')
and snoozed is null
and case word
    when 'breached' then next_due(triaged, triage_due, due) <= moment
    when 'next_hour' then next_due(triaged, triage_due, due) > moment and next_due(triaged, triage_due, due) <= moment + interval '1 hour'
    when 'warning' then next_due(triaged, triage_due, due) > moment and next_warns(triaged, triage_due, due, triage_warns, warns) <= moment
    when 'unaddressed' then triaged is null and triage_due <= moment
    else false
end;

-- group_of: the group that an exception is in: that of its fingerprint, unless it was moved, or its group was merged
create or replace macro group_of(joined, own) as coalesce(joined, own);

-- assigned_or_owner: who should look at an exception, as the queue shows it: whom it is assigned to, else the team that owns it
create or replace macro assigned_or_owner(assignee, owner_team) as coalesce(assignee, owner_team);

-- case_place: the place of an exception in a list, from what `cases/cases` orders by
create or replace macro case_place(
    wanted, unit_up, unit_down, ended_at, urgent, amount, opened, unit, flow, step, id
) as
create_sort_key(
    wanted, 'asc nulls last',
    unit_up, 'asc nulls last',
    unit_down, 'desc nulls last',
    ended_at, 'desc nulls first',
    urgent, 'asc nulls last',
    amount, 'desc nulls last',
    opened, 'asc nulls last',
    unit, 'asc nulls last',
    flow, 'asc nulls last',
    step, 'asc nulls last',
    id, 'asc nulls last'
);

-- chosen_case: one row per exception within the scope that passes the filter of lists, whatever its state.
-- reach is a scope as in_scope takes it; chosen is a cases.queries.CaseFilter as a struct, whose nulls leave a field open.
create or replace macro chosen_case(reach, chosen) as table
select
    exception_case.*,
    exception_case.rowid as row_id,
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
    and not chosen['nothing']::boolean
    and (chosen['ids']::varchar[] is null or list_contains(chosen['ids']::varchar[], exception_case.id))
    and (chosen['flow']::varchar[] is null or list_contains(chosen['flow']::varchar[], exception_case.flow))
    and (chosen['klass']::varchar[] is null or list_contains(chosen['klass']::varchar[], exception_case.class))
    and (chosen['severity']::varchar[] is null or list_contains(chosen['severity']::varchar[], exception_case.severity))
    and (chosen['tenant']::varchar[] is null or list_contains(chosen['tenant']::varchar[], exception_case.tenant))
    and (chosen['step']::varchar[] is null or list_contains(chosen['step']::varchar[], exception_case.step))
    and (chosen['holder']::varchar[] is null or list_contains(chosen['holder']::varchar[], exception_case.holder))
    and (
        chosen['assignee']::varchar[] is null
        or list_contains(chosen['assignee']::varchar[], assigned_or_owner(exception_case.assignee, exception_case.owner_team))
    )
    and (
        chosen['group']::varchar[] is null
        -- The id of a group that was merged chooses the group that it is part of now.
        or list_contains(
            list_concat(
                chosen['group']::varchar[],
                coalesce((
                    select list(group_merge.root)
                    from group_merge
                    where
                        group_merge.ended_at is null
                        and list_contains(chosen['group']::varchar[], group_merge.source)
                ), [])
            ),
            group_of(exception_case.joined_group, exception_case.fingerprint)
        )
    )
    and (
        chosen['snoozed']::boolean[] is null
        or list_contains(chosen['snoozed']::boolean[], exception_case.snoozed_by is not null)
    )
    and (
        chosen['claimed']::boolean[] is null
        or list_contains(chosen['claimed']::boolean[], exception_case.holder is not null)
    )
    and (
        chosen['assigned']::boolean[] is null
        or list_contains(chosen['assigned']::boolean[], exception_case.assignee is not null)
    )
    and (chosen['safe']::boolean[] is null or list_contains(chosen['safe']::boolean[], exception_case.replay_safe))
    and (
        chosen['currency']::varchar[] is null
        or list_contains(chosen['currency']::varchar[], exception_case.value_currency)
    )
    and (
        chosen['value_from']::decimal(18, 4) is null
        or exception_case.value_amount >= chosen['value_from']::decimal(18, 4)
    )
    and (
        chosen['value_to']::decimal(18, 4) is null
        or exception_case.value_amount <= chosen['value_to']::decimal(18, 4)
    )
    and (
        chosen['opened_from']::timestamp is null
        or exception_case.opened_at >= chosen['opened_from']::timestamp
    )
    and (chosen['opened_to']::timestamp is null or exception_case.opened_at <= chosen['opened_to']::timestamp)
    and (
        chosen['due']::varchar[] is null
        or list_bool_and(
            list_transform(
                chosen['due']::varchar[],
                lambda word: is_due(
                    word, chosen['moment']::timestamp, exception_case.state, exception_case.snoozed_by,
                    exception_case.triaged_at, exception_case.triage_due_at, exception_case.due_at,
                    exception_case.triage_warns_at, exception_case.warns_at
                )
            )
        )
    )
    and (
        chosen['words']::varchar[] is null
        or list_bool_and(
            list_transform(
                chosen['words']::varchar[],
                lambda word: contains(
                    lower(concat_ws(chr(10), exception_case.title, exception_case.correlation_id, exception_case.message)),
                    lower(word)
                )
                or exception_case.id = word
            )
        )
    );
