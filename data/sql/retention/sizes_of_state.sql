-- one row: bytes of one row of each other class, without compression
select
    (
        select coalesce(avg(strlen(exception_case.message) + strlen(coalesce(exception_case.data::varchar, '')) + strlen(coalesce(exception_case.stacktrace, ''))), 0)::bigint
        from exception_case
        where exception_case.message <> $mark or exception_case.data is not null or exception_case.stacktrace is not null
    ) as cases,
    (select coalesce(avg(octet_length(quarantine.bytes)), 0)::bigint from quarantine) as quarantine,
    (select coalesce(avg(300 + strlen(coalesce(audit.details::varchar, ''))), 0)::bigint from audit) as audit,
    (select coalesce(avg(strlen(frozen_week.content)), 0)::bigint from frozen_week) as figures
