-- one row per stored unit that the running transaction has written again with what was brought
delete from unit
where unit.rowid in (
    select held_unit.place
    from held_unit
    inner join spoken
        on
            held_unit.correlation_id = spoken.correlation_id
            and held_unit.flow = spoken.flow
            and held_unit.tenant is not distinct from coalesce(spoken.tenant, spoken.given_tenant)
)
