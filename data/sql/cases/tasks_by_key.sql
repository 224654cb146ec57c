-- one row per wanted unit and step, and task of it that failed: its last failure
select
    failure.correlation_id,
    failure.flow,
    failure.step,
    wanted_case.tenant,
    failure.map_index,
    max(failure.map_total) as map_total,
    max(failure.time) as time,
    unnest(arg_max(
        struct_pack(
            record_id := failure.record_id,
            part := failure.part,
            clock := failure.clock,
            seq := failure.seq
        ),
        struct_pack(time := failure.time, record_id := failure.record_id)
    )),
from failure
inner join wanted_case
    on
        failure.correlation_id = wanted_case.correlation_id
        and failure.flow = wanted_case.flow
        and failure.step = wanted_case.step
        and if(failure.tenant is null, wanted_case.takes_untold, failure.tenant is not distinct from wanted_case.tenant)
where
    failure.describes is null
    and is_counted(failure.details ->> 'note')
group by
    failure.correlation_id,
    failure.flow,
    failure.step,
    wanted_case.tenant,
    failure.map_index
