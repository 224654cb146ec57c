-- Exceptions that come from those of another group: a service failed, and those that had called it with it.

-- victim_case: one row per live exception within the scope whose latest failure comes from a failure of an exception of
-- another group: both, and their groups. What is shown of them is read for few of these, as texts of all cost too much.
create or replace macro victim_case(reach, live) as table
select
    victim.id,
    victim.last_seen,
    victim.cause,
    group_of(victim.joined_group, victim.fingerprint) as group_id,
    root.id as root_id,
    group_of(root.joined_group, root.fingerprint) as root_group,
    -- What comes from an exception that is closed, or comes from a third one itself, is shown for itself.
    list_contains(live::varchar[], root.state) and root.cause is null as root_is_live,
from exception_case as victim
inner join case_occurrence as failed
    on victim.cause = failed.record_id
inner join exception_case as root
    on failed.case_id = root.id
where
    victim.cause is not null
    and list_contains(live::varchar[], victim.state)
    and in_scope(victim.tenant, victim.flow, reach::varchar[])
    and in_scope(root.tenant, root.flow, reach::varchar[])
    and group_of(root.joined_group, root.fingerprint) <> group_of(victim.joined_group, victim.fingerprint);
