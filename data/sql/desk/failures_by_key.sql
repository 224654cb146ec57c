-- one row per wanted unit and step: its failures, and what the latest of them says
-- Failures that their own script closed count only where there are no others.
with
wanted as (
    select
        failure.*,
        wanted_case.tenant as case_tenant,
        is_counted(failure.details ->> 'note') as counted,
    from failure
    inner join wanted_case
        on
            failure.correlation_id = wanted_case.correlation_id
            and failure.flow = wanted_case.flow
            and failure.step = wanted_case.step
            and if(failure.tenant is null, wanted_case.takes_untold, failure.tenant is not distinct from wanted_case.tenant)
),
standing as (
    select
        *,
    from wanted
    qualify
        counted
        or not bool_or(counted) over (partition by correlation_id, flow, step, case_tenant)
)
select
    correlation_id,
    flow,
    step,
    case_tenant as tenant,
    count(*) as failures,
    min(time) as first_seen,
    max(time) as last_seen,
    max(attempts) as attempts,
    list(distinct affected::varchar) as affected,
    arg_max(details::varchar, struct_pack(time := time, record_id := record_id)) as details,
    arg_max(part, struct_pack(time := time, record_id := record_id)) as part,
    arg_max(clock, struct_pack(time := time, record_id := record_id)) as clock,
    arg_max(seq, struct_pack(time := time, record_id := record_id)) as seq,
from standing
group by
    correlation_id,
    flow,
    step,
    case_tenant
