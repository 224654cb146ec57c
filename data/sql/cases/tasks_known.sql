-- one row per wanted case: how many tasks of its step are known by a success or a failure
select
    task_case.id,
    count(distinct standing.map_index) as known,
from task_case
inner join (
    select
        unit_signal.correlation_id,
        unit_signal.flow,
        unit_signal.step,
        unit_signal.tenant,
        unit_signal.map_index,
    from unit_signal
    where
        unit_signal.correlation_id in (select task_case.correlation_id from task_case)
        and unit_signal.map_index is not null
    group by
        unit_signal.trace_id,
        unit_signal.record_id,
        unit_signal.correlation_id,
        unit_signal.flow,
        unit_signal.step,
        unit_signal.tenant,
        unit_signal.map_index
    having sum(unit_signal.change) > 0
) as standing
    on
        task_case.correlation_id = standing.correlation_id
        and task_case.flow = standing.flow
        and task_case.step = standing.step
        and (standing.tenant is null or standing.tenant is not distinct from task_case.tenant)
group by task_case.id
