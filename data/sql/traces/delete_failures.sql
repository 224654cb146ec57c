-- one row per failure that is understood differently now
delete from failure
where
    failure.time between make_timestamp($low) and make_timestamp($high)
    and exists (
        select 1
        from gone_failure
        where
            gone_failure.trace_id = failure.trace_id
            and gone_failure.record_id = failure.record_id
    )
