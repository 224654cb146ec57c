-- unit_in_period for one cursor: the rows of board_unit, for the periods that they were made for or the first of them
create temp macro unit_in_period(starts, ends, reach, only_flow, split_by) as table
select
    board_unit.* exclude (in_one_flow)
    replace (own_flow(only_flow, split_by, board_unit.flow) as of_flow),
    split_key(
        split_by, board_unit.flow, null, null, null,
        board_unit.{split},
    ) as key,
from board_unit
where
    board_unit.period <= len(starts::timestamp[])
    and case
        when
            getvariable('held_for').starts[:len(starts::timestamp[])] = starts::timestamp[]
            and getvariable('held_for').ends[:len(starts::timestamp[])] = ends::timestamp[]
            and getvariable('held_for').reach is not distinct from reach::varchar[]
            and getvariable('held_for').only_flow is not distinct from only_flow::varchar
            then case
                when own_flow(only_flow, split_by, board_unit.flow) is null then board_unit.of_flow is null
                else board_unit.of_flow is not null or board_unit.in_one_flow
            end
        else error('These units were made for other periods, another scope or another flow.')::boolean
    end
