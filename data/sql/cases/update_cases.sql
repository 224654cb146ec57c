-- one row per case that changes: only where nobody was faster
merge into exception_case
using changed_case
on
    exception_case.id = changed_case.id
    and exception_case.version = changed_case.version - 1
when matched then update by name
returning exception_case.id
