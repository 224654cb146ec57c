-- one row per version of a mapping, the newest first
select
    mapping_version.version,
    mapping_version.text,
    mapping_version.author,
    mapping_version.saved_at,
    mapping_version.note,
    mapping_version.previous,
from mapping_version
where mapping_version.name = $name
order by mapping_version.version desc
