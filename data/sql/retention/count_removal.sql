-- one row: a class of data of which more was removed
update removal
set
    removed = removal.removed + $more,
    bytes = removal.bytes + $bytes,
    latest = greatest(removal.latest, $latest::timestamp)
where
    removal.run = $run
    and removal.class = $class
