-- one row: a note on a section of a week
insert into week_note by name
select
    $week as week,
    $section as section,
    $text as text,
    $actor as actor,
    $now::timestamp as time
