-- one row per wanted unit and step, set of affected places, and whether they are counted: its failures, and what the latest says
select
    failure.correlation_id,
    failure.flow,
    failure.step,
    wanted_case.tenant,
    failure.affected::varchar as affected,
    is_counted(failure.details ->> 'note') as counted,
    count(*) as failures,
    min(failure.time) as first_seen,
    max(failure.time) as last_seen,
    max(failure.attempts) as attempts,
    arg_max(
        struct_pack(
            record_id := failure.record_id,
            details := failure.details::varchar,
            part := failure.part,
            clock := failure.clock,
            seq := failure.seq,
            cause := failure.cause
        ),
        struct_pack(time := failure.time, record_id := failure.record_id)
    ) as latest,
from failure
inner join wanted_case
    on
        failure.correlation_id = wanted_case.correlation_id
        and failure.flow = wanted_case.flow
        and failure.step = wanted_case.step
        and if(failure.tenant is null, wanted_case.takes_untold, failure.tenant is not distinct from wanted_case.tenant)
where
    failure.time between make_timestamp($low) and make_timestamp($high)
    -- a line that only repeats another failure of its run does not count
    and failure.describes is null
group by
    failure.correlation_id,
    failure.flow,
    failure.step,
    wanted_case.tenant,
    failure.affected::varchar,
    is_counted(failure.details ->> 'note')
