-- one row per week and target of digests: what became of the latest delivery
select
    digest_delivery.week,
    digest_delivery.target,
    digest_delivery.kind,
    arg_max(digest_delivery.state, (digest_delivery.attempt, digest_delivery.state <> 'sending')) as state,
    max(digest_delivery.attempt) as attempt,
    max(digest_delivery.at_time) as at_time,
from digest_delivery
where $week::varchar is null or digest_delivery.week = $week
group by
    digest_delivery.week,
    digest_delivery.target,
    digest_delivery.kind
order by
    digest_delivery.week,
    digest_delivery.target
