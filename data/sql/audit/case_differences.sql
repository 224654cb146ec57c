-- one row per exception that is other than the last entry about it says, or that one of both does not know
-- An entry of an earlier version names no version and no holder: then only the state is compared. What is counted for
-- single tasks makes versions without an entry.
with
recorded as (
    select
        audit.case_id,
        arg_max(
            struct_pack(
                seq := audit.seq,
                state := audit.to_state,
                holder := audit.holder,
                version := audit.case_version,
                tenant := audit.tenant,
                flow := audit.flow
            ),
            audit.seq
        ) filter (where audit.kind = 'effect' and audit.to_state is not null) as entry,
    from audit
    where audit.case_id is not null
    group by audit.case_id
)
select
    coalesce(exception_case.id, recorded.case_id) as case_id,
    coalesce(exception_case.tenant, recorded.entry.tenant) as tenant,
    coalesce(exception_case.flow, recorded.entry.flow) as flow,
    exception_case.state,
    exception_case.holder,
    exception_case.version,
    recorded.entry.seq as seq,
    recorded.entry.state as recorded_state,
    recorded.entry.holder as recorded_holder,
    recorded.entry.version as recorded_version,
    count(*) over () as total,
from exception_case
full join recorded on exception_case.id = recorded.case_id
where
    (exception_case.id is null and recorded.entry.state not in ('merged', 'withdrawn'))
    or (exception_case.id is not null and recorded.case_id is null)
    or (exception_case.id is not null and exception_case.state <> recorded.entry.state)
    or (exception_case.id is not null and recorded.entry.version is not null and exception_case.holder is distinct from recorded.entry.holder)
    or exception_case.version < recorded.entry.version
    or (exception_case.version > recorded.entry.version and exception_case.tasks is null)
order by
    coalesce(recorded.entry.seq, 0),
    coalesce(exception_case.id, recorded.case_id)
limit $limit
