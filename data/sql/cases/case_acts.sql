-- one row per act on a case; notes also of the cases that were merged into it
select
    audit.*,
from audit
where
    audit.kind = 'effect'
    and (
        audit.case_id = $id
        or (
            audit.verb = 'noted'
            and audit.case_id in (select folded_case.id from folded_case where folded_case.merged_into = $id)
        )
    )
order by
    audit.seq
