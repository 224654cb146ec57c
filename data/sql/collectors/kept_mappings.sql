-- one row per mapping that was ever saved, or per the one that is asked for: what counts now
select
    used.name,
    used.revision,
    used.version,
    used.act,
    used.changed_by,
    used.changed_at,
    used.note,
    mapping_version.text,
    (select max(version.version) from mapping_version as version where version.name = used.name) as newest,
from mapping_use as used
left join mapping_version on mapping_version.name = used.name and mapping_version.version = used.version
where $name is null or used.name = $name
qualify row_number() over (partition by used.name order by used.revision desc) = 1
order by used.name
