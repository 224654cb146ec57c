-- one row per exception that a batch is asked to act on, in the order of the queue; those that are left out come last
insert into batch_item by name
with
asked as (
    select
        chosen.id,
        chosen.state,
        chosen.holder,
        chosen.retry_id,
        chosen.unit_kind,
        chosen.replay_safe,
        chosen.tenant,
        chosen.flow,
        chosen.step,
        chosen.correlation_id,
        chosen.value_amount,
        chosen.value_currency,
        next_due(chosen.triaged_at, chosen.triage_due_at, chosen.due_at) as due_at,
    from chosen_case($scope, $chosen) as chosen
    where
        ($states::varchar[] is null or list_contains($states::varchar[], chosen.state))
        and ($ids::varchar[] is null or chosen.id in (select unnest($ids::varchar[])))
),

step as (
    select distinct
        asked.tenant,
        asked.flow,
        asked.step,
    from asked
),

-- steps that a worker can retry
staffed as (
    select distinct
        step.tenant,
        step.flow,
        step.step,
    from step
    inner join worker_step
        on
            (worker_step.flow is null or (worker_step.flow = step.flow and worker_step.step = step.step))
            and in_scope(step.tenant, step.flow, worker_step.scope)
    where worker_step.announced_at >= $announced::timestamp
),

-- exceptions that another batch acts on
taken as (
    select
        batch_item.case_id,
        min(batch_item.batch_id) as batch_id,
    from batch_item
    inner join batch on batch_item.batch_id = batch.id
    where
        list_contains($started::varchar[], batch.state)
        and batch_item.state <> 'left_out'
    group by batch_item.case_id
),

judged as (
    select
        asked.*,
        taken.batch_id as taken_by,
        case
            when asked.state = 'recovered' then 'recovered'
            when not list_contains($live::varchar[], asked.state) then 'ended'
            when not in_scope(asked.tenant, asked.flow, $reach::varchar[]) then 'not_permitted'
            when taken.batch_id is not null then 'other_batch'
            when asked.holder <> $me and not list_contains($for_others::varchar[], $verb) then 'held'
            when $verb in ('claim', 'retry', 'snooze') and not list_contains($waiting::varchar[], asked.state) then 'busy'
            when $verb = 'release' and asked.holder is null then 'not_held'
            when
                $verb = 'release'
                and asked.state <> 'claimed'
                and not (asked.state = 'verifying' and asked.retry_id is null)
                then 'busy'
            when $verb = 'retry' and list_contains($unprovable::varchar[], asked.unit_kind) then 'unprovable'
            when $verb = 'retry' and not asked.replay_safe then 'unsafe'
            when $verb = 'retry' and asked.replay_safe is null and not $undeclared then 'undeclared'
            when $verb = 'retry' and staffed.flow is null then 'no_worker'
        end as cause,
    from asked
    left join taken on asked.id = taken.case_id
    left join staffed
        on
            asked.tenant is not distinct from staffed.tenant
            and asked.flow = staffed.flow
            and asked.step = staffed.step
),

missing as (
    select wanted.id
    from (select distinct unnest($ids::varchar[]) as id) as wanted
    anti join asked on wanted.id = asked.id
),

every_one as (
    select
        judged.id,
        judged.cause,
        case judged.cause
            when 'held' then judged.holder
            when 'other_batch' then judged.taken_by
            when 'no_worker' then judged.step
        end as detail,
        judged.tenant,
        judged.flow,
        judged.correlation_id,
        judged.value_amount,
        judged.value_currency,
        judged.due_at,
    from judged
    union all by name
    select
        missing.id,
        'missing' as cause,
    from missing
)

select
    $batch as batch_id,
    row_number() over (
        order by
            every_one.cause is not null,
            every_one.due_at nulls last,
            every_one.value_amount desc nulls last,
            every_one.id
    ) as place,
    every_one.id as case_id,
    if(every_one.cause is null, 'waiting', 'left_out') as state,
    every_one.cause,
    every_one.detail,
    every_one.tenant,
    every_one.flow,
    every_one.correlation_id,
    every_one.value_amount,
    every_one.value_currency,
from every_one
