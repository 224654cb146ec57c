-- The shared noun of lists of exceptions. A macro takes the columns of the table as they are when it is used.

-- chosen_case: one row per exception within the scope that passes the filter of lists, whatever its state.
-- reach is a scope as in_scope takes it; null leaves a field open.
create or replace macro chosen_case(reach, flows, classes, severities, tenants, held_by, same_group, words, assigned := null, asleep := null) as table
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
    and (same_group::varchar is null or exception_case.fingerprint = same_group)
    and (
        words::varchar is null
        or contains(lower(exception_case.title), lower(words))
        or contains(lower(exception_case.correlation_id), lower(words))
        or contains(lower(exception_case.message), lower(words))
        or exception_case.id = words
    );
