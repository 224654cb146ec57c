-- one row per live case whose unit has succeeded since the case's last failure
select
    exception_case.*,
    unit.completed_at as unit_completed_at,
from exception_case
inner join unit
    on
        unit.correlation_id = exception_case.correlation_id
        and unit.flow = exception_case.flow
where
    exception_case.state in ('open', 'claimed', 'retrying', 'verifying')
    and unit.completed_at > exception_case.last_seen
    and exists (
        select 1
        from (
            select
                incoming_log.correlation_id,
            from incoming_log
            where
                incoming_log.outcome = 'success'
                or incoming_log.severity_number >= 17
            union all
            select
                incoming_span.correlation_id,
            from incoming_span
            where incoming_span.outcome = 'success'
        ) as touched
        where touched.correlation_id = exception_case.correlation_id
    )
