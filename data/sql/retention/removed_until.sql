-- one row: the time of the latest log record or span that was removed; null where none was
select
    max(removal.latest) as until,
from removal
