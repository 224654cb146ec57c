-- what the rows of board_unit were made for; read_held_units refuses to answer for anything else
set variable held_for = struct_pack(
    starts := $starts::timestamp[],
    ends := $ends::timestamp[],
    reach := $scope::varchar[],
    only_flow := $flow::varchar
)
