-- one row: the last commit that the witness outside the store has seen, or is about to see
select
    store,
    number,
    hash,
    previous,
    time,
    records,
    acts
from commit_mark
