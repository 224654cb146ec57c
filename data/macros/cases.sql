-- The shared noun of lists of exceptions. A macro takes the columns of the table as they are when it is used.

-- next_due: the due time of an exception that counts now, as Case.next_due_at gives it
create or replace macro next_due(triaged, triage_due, due) as case when triaged is null then least(triage_due, due) else due end;

-- is_due: whether an exception that waits for a person and is not snoozed is breached, due in the next hour,
-- or unaddressed at a moment: nobody took it up by its triage due time
create or replace macro is_due(word, moment, state, snoozed, triaged, triage_due, due) as
state in ('open', 'claimed')
and snoozed is null
and case word
    when 'breached' then next_due(triaged, triage_due, due) <= moment
    when 'next_hour' then next_due(triaged, triage_due, due) > moment and next_due(triaged, triage_due, due) <= moment + interval '1 hour'
    when 'unaddressed' then triaged is null and triage_due <= moment
    else false
end;

-- chosen_case: one row per exception within the scope that passes the filter of lists, whatever its state.
-- reach is a scope as in_scope takes it; null leaves a field open.
create or replace macro chosen_case(reach, flows, classes, severities, tenants, held_by, same_group, words, assigned := null, asleep := null, due_word := null, moment := null) as table
select exception_case.*
from exception_case
where
    in_scope(exception_case.tenant, exception_case.flow, reach::varchar[])
    and (flows::varchar[] is null or list_contains(flows::varchar[], exception_case.flow))
    and (classes::varchar[] is null or list_contains(classes::varchar[], exception_case.class))
    and (severities::varchar[] is null or list_contains(severities::varchar[], exception_case.severity))
    and (tenants::varchar[] is null or list_contains(tenants::varchar[], exception_case.tenant))
    and (held_by::varchar is null or exception_case.holder = held_by)
    and (assigned::varchar[] is null or list_contains(assigned::varchar[], exception_case.assignee))
    and (asleep::boolean is null or asleep = (exception_case.snoozed_by is not null))
    and (
        due_word::varchar is null
        or is_due(
            due_word, moment::timestamp, exception_case.state, exception_case.snoozed_by,
            exception_case.triaged_at, exception_case.triage_due_at, exception_case.due_at
        )
    )
    and (same_group::varchar is null or exception_case.fingerprint = same_group)
    and (
        words::varchar is null
        or contains(lower(exception_case.title), lower(words))
        or contains(lower(exception_case.correlation_id), lower(words))
        or contains(lower(exception_case.message), lower(words))
        or exception_case.id = words
    );
