-- one row: a class of data of a purge that is done
update removal
set finished_at = $now
where
    removal.run = $run
    and removal.class = $class
