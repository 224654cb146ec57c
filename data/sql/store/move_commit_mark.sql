-- one row: the commit that is being made
update commit_mark
set
    number = $number,
    hash = $hash,
    previous = $previous,
    time = $time,
    records = $records,
    acts = $acts
