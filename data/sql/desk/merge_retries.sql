-- one row per retry or occurrence of a case that was merged: a retry that runs goes with the case that stays
update retry set case_id = new_fold.merged_into
from new_fold
where
    retry.case_id = new_fold.id
    and new_fold.merged_into is not null
    and retry.state <> 'queued'
