-- one row per version of the settings of a flow, the newest first
select
    flow_settings.flow,
    flow_settings.version,
    flow_settings.text,
    flow_settings.file,
    flow_settings.author,
    flow_settings.saved_at,
    flow_settings.note,
from flow_settings
where flow_settings.flow = $flow
order by flow_settings.version desc
