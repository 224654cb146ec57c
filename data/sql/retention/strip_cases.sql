-- one row per ended case that loses its details
update exception_case
set
    message = $mark,
    data = null,
    stacktrace = null
where exception_case.id in (select doomed.id from doomed)
