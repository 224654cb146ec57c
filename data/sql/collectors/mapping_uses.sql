-- one row per change of which version of a mapping counts, the newest first
select
    mapping_use.revision,
    mapping_use.version,
    mapping_use.act,
    mapping_use.changed_by,
    mapping_use.changed_at,
    mapping_use.note,
from mapping_use
where mapping_use.name = $name
order by mapping_use.revision desc
