-- one row per pause that is too old to show how long a worker pauses
delete from worker_gap where worker_gap.ended_at < $since::timestamp
