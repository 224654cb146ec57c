-- one row per exception whose group became part of another, or is on its own again
update exception_case set joined_group = nullif(changed_root.root, exception_case.fingerprint)
from changed_root
where coalesce(exception_case.moved_group, exception_case.fingerprint) = changed_root.source
returning exception_case.id
