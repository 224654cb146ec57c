-- one row per occurrence of a case that loses its details
update case_occurrence
set message = $mark
where case_occurrence.case_id in (select doomed.id from doomed)
