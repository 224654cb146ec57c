-- one row: a comment on a figure of a week
insert into week_comment by name
select
    $week as week,
    $kpi as kpi,
    $text as text,
    $actor as actor,
    $now::timestamp as time
