-- one row per live case of an ID whose value or context an incoming record names, or that lost records
select
    exception_case.tenant,
    exception_case.flow,
    exception_case.step,
    exception_case.correlation_id,
from exception_case
where
    exception_case.state in ('open', 'claimed', 'retrying', 'verifying')
    and (
        list_contains($ids::varchar[], exception_case.correlation_id)
        or exception_case.correlation_id in (
            select incoming_log.correlation_id
            from incoming_log
            where
                incoming_log.correlation_id is not null
                and (
                    incoming_log.value_amount is not null
                    or incoming_log.business_unit is not null
                    or incoming_log.customer is not null
                    or incoming_log.segment is not null
                )
            union
            select incoming_span.correlation_id
            from incoming_span
            where
                incoming_span.correlation_id is not null
                and (
                    incoming_span.value_amount is not null
                    or incoming_span.business_unit is not null
                    or incoming_span.customer is not null
                    or incoming_span.segment is not null
                )
        )
    )
