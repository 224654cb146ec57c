-- one row per request to apply a mapping, the newest first; those of one mapping, or those that run
select
    mapping_job.id,
    mapping_job.name,
    mapping_job.sources,
    mapping_job.since,
    mapping_job.until,
    mapping_job.requested_by,
    mapping_job.state,
    mapping_job.error,
    mapping_job.after_time,
    mapping_job.after_record,
    mapping_job.total,
    mapping_job.looked_at,
    mapping_job.changed,
    mapping_job.quarantined,
    mapping_job.taken,
    mapping_job.finished_at,
from mapping_job
where
    ($name is null and mapping_job.state = 'running')
    or mapping_job.name = $name
order by mapping_job.until desc
limit 20
