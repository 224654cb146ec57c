-- one row per flow that ever had settings, or per the one that is asked for: its latest version
select
    flow_settings.flow,
    flow_settings.version,
    flow_settings.text,
    flow_settings.file,
    flow_settings.author,
    flow_settings.saved_at,
    flow_settings.note,
from flow_settings
where $flow::varchar is null or flow_settings.flow = $flow
qualify row_number() over (partition by flow_settings.flow order by flow_settings.version desc) = 1
order by flow_settings.flow
