-- one row: a week as it was when somebody froze it
insert into frozen_week by name
select
    $seq as seq,
    $week as week,
    $frozen_at as frozen_at,
    $actor as actor,
    $content as content,
    $v as v,
    $salt as salt,
    $prev_hash as prev_hash,
    $hash as hash
