-- one row per figure of a week that has a comment: the latest
select
    week_comment.kpi,
    arg_max(week_comment.text, week_comment.time) as text
from week_comment
where week_comment.week = $week
group by week_comment.kpi
