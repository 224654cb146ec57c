-- one row per change from a moment up to another, the latest first: markers, and what the audit has of settings
select
    id,
    kind,
    flow,
    text,
    version,
    link,
    happened_at,
    actor
from (
    select
        change_marker.id,
        change_marker.kind,
        change_marker.flow,
        change_marker.text,
        change_marker.version,
        change_marker.link,
        change_marker.happened_at,
        change_marker.actor
    from change_marker
    where
        change_marker.removed_at is null
        and ($id::varchar is null or change_marker.id = $id)
    union all
    select
        'audit-' || audit.seq,
        'settings',
        if(audit.subject like 'flow:%', substr(audit.subject, 6), null),
        audit.verb || if(audit.subject like 'mapping:%', ' (' || audit.subject || ')', '') || coalesce(': ' || audit.reason, ''),
        null,
        null,
        audit.time,
        audit.actor
    from audit
    where
        audit.kind = 'effect'
        and (audit.subject like 'flow:%' or audit.subject like 'mapping:%' or audit.subject = 'currencies')
        and ($id::varchar is null or 'audit-' || audit.seq = $id)
) as change
where
    happened_at >= $since
    and happened_at < $to
    and ($flow::varchar is null or coalesce(flow = $flow, true))
order by
    happened_at desc,
    id
