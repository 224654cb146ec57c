-- one row per act of somebody on exceptions, groups and batches within the scope, the latest first, with what came of it
-- what a batch, or an act on a group, did to single exceptions is shown with it
with done as (
    select
        audit.seq,
        audit.time,
        audit.verb,
        audit.act,
        audit.case_id,
        audit.correlation_id,
        audit.flow,
        audit.subject,
        audit.reason,
        bool_or(audit.case_id is null) over (partition by coalesce(audit.act, audit.seq::varchar)) as is_of_many,
    from audit
    where
        audit.kind = 'effect'
        and audit.actor = $actor
        and audit.verb <> 'renewed'
        and audit.door is distinct from 'batch'
        and if(
            audit.case_id is null,
            starts_with(audit.subject, 'group:') or starts_with(audit.subject, 'batch:'),
            in_scope(audit.tenant, audit.flow, $scope::varchar[])
        )
),

mine as (
    select
        done.*,
        count(*) over () as total,
        create_sort_key(done.seq, 'desc nulls last') as place,
    from done
    where
        done.case_id is null
        or not done.is_of_many
    {page}
),

followed as (
    select
        mine.seq,
        list(audit.verb order by audit.seq) as verbs,
    from mine
    inner join audit
        on
            mine.case_id = audit.case_id
            and audit.seq > mine.seq
            and audit.kind = 'effect'
    group by mine.seq
)

select
    mine.*,
    exception_case.title,
    exception_case.state,
    exception_case.holder,
    exception_case.snoozed_by,
    exception_case.lease_until,
    coalesce(followed.verbs, []) as followed_by,
    batch.state as batch_state,
    coalesce(retry.state = 'queued', false) as retry_waits,
from mine
left join followed
    on mine.seq = followed.seq
left join exception_case
    on
        mine.case_id = exception_case.id
        and in_scope(exception_case.tenant, exception_case.flow, $scope::varchar[])
left join retry
    on exception_case.retry_id = retry.id
left join batch
    on mine.subject = 'batch:' || batch.id
order by mine.place
