-- take away the rows of clocks that change, and old ones that no open case depends on
delete from clock
where
    list_contains($clocks::varchar[], clock.clock)
    or (
        clock.measured_at < $old::timestamp
        and clock.clock not in (
            select exception_case.clock
            from exception_case
            where
                exception_case.clock is not null
                and exception_case.state not in ('recovered', 'resolved')
        )
    )
