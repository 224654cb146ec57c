-- one row per error record of a case, newest first
select
    case_occurrence.time,
    case_occurrence.message,
    case_occurrence.error_type,
    case_occurrence.attempt,
    case_occurrence.trace_id,
    case_occurrence.span_id,
    case_occurrence.note,
from case_occurrence
where case_occurrence.case_id = $id
order by
    case_occurrence.time desc
limit 100
