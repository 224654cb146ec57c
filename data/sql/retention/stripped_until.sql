-- one row: what is older has lost its attributes, or is gone; null where nothing was removed
select
    max(removal.before) as until,
from removal
where removal.class in ('logs', 'spans', 'payload')
