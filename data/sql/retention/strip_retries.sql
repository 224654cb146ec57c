-- one row per retry of a case that loses its details
update retry
set
    data = null,
    error_message = null
where retry.case_id in (select doomed.id from doomed)
