-- unit_in_period for one cursor: the rows of board_unit, for the periods that they were made for or the first of them
create temp macro unit_in_period(starts, ends, reach, only_flow, split_by) as table
select
    board_unit.* exclude (within_flow),
    split_key(
        split_by, board_unit.flow, null, null, null,
        board_unit.{split},
    ) as key,
from board_unit
where
    board_unit.period <= len(starts::timestamp[])
    and board_unit.within_flow = case
        when
            getvariable('held_for').starts[:len(starts::timestamp[])] = starts::timestamp[]
            and getvariable('held_for').ends[:len(starts::timestamp[])] = ends::timestamp[]
            and getvariable('held_for').reach is not distinct from reach::varchar[]
            and getvariable('held_for').only_flow is not distinct from only_flow::varchar
            and (
                only_flow::varchar is not null
                or split_by::varchar is distinct from 'flow'
                or getvariable('held_for').split_by is not distinct from 'flow'
            )
            then coalesce(only_flow::varchar is not null or split_by::varchar = 'flow', false)
        else error('These units were made for other periods, another scope, another flow or another split.')::boolean
    end
