-- one row per retry of a case that was merged: all but those that wait go with the case that stays
update retry set case_id = new_fold.merged_into
from new_fold
where
    retry.case_id = new_fold.id
    and new_fold.merged_into is not null
    and retry.state <> 'queued'
