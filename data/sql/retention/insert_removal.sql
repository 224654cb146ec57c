-- one row per class of data of a purge that begins
insert into removal (run, class, policy, before, removed, bytes, actor, started_at)
values ($run, $class, $policy, $before, 0, 0, $actor, $now)
