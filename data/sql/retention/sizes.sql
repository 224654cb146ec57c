-- one row: bytes of one row of each class of telemetry, without compression, by the first thousands of each
select
    (
        select coalesce(avg(200 + strlen(sample.message) + strlen(coalesce(sample.stacktrace, '')) + sample.payload), 0)::bigint
        from (
            select
                log.message,
                log.stacktrace,
                strlen(coalesce(log.attributes::varchar, '') || coalesce(log.resource::varchar, '') || coalesce(log.data::varchar, '')) as payload,
            from log
            limit 2000
        ) as sample
    ) as logs,
    (
        select coalesce(avg(250 + strlen(sample.name) + strlen(coalesce(sample.stacktrace, '')) + sample.payload), 0)::bigint
        from (
            select
                span.name,
                span.stacktrace,
                strlen(coalesce(span.attributes::varchar, '') || coalesce(span.resource::varchar, '') || coalesce(span.events::varchar, '')) as payload,
            from span
            limit 2000
        ) as sample
    ) as spans,
    (
        select coalesce(avg(sample.payload), 0)::bigint
        from (
            (
                select strlen(coalesce(log.attributes::varchar, '') || coalesce(log.resource::varchar, '') || coalesce(log.data::varchar, '')) as payload
                from log
                where log.attributes is not null or log.resource is not null or log.data is not null
                limit 1000
            )
            union all
            (
                select strlen(coalesce(span.attributes::varchar, '') || coalesce(span.resource::varchar, '') || coalesce(span.events::varchar, '')) as payload
                from span
                where span.attributes is not null or span.resource is not null or span.events is not null
                limit 1000
            )
        ) as sample
    ) as payload
