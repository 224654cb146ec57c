-- K5 Retries
-- meaning: Attempts of steps after the first one; split by step, they show the hot-spot.
-- group: exceptions
-- unit: retries
-- better: down
-- grain: one row per period and split
-- version: 3
-- floor: 0
-- splits: step, dependency, class, flow, {splits}
-- rows: retries
-- counted: retried
-- rule: The period is that of the end of the attempt. What happens later changes nothing.
-- rule: Each attempt of a step after the first counts once: by its own code, by a framework, or because somebody asked for it.
-- rule: A step is named with its flow. Its dependency and class are those of the attempt, or of the failure before it.
-- rule: In a split it has what any of its flows in the tenant states: segment, business unit.
-- rule: Wasted are retries after a business error: they end the same way unless something has changed.
-- rule: The second figure is the time that these attempts ran. Waiting between them is not in it.
-- rule: Cost is not stated: it takes rates per hour of work, per second of infrastructure and per call, and none are kept.
with
try_again as (
    select
        retry.period,
        case $by::varchar
            when 'dependency' then coalesce(retry.dependency, 'not set')
            else split_key(
                $by, retry.flow, retry.step, retry.class, null,
                retry.{split},
            )
        end as key,
        retry.flow || ' / ' || retry.step as place,
        retry.seconds,
        retry.by_people,
        retry.wasted
    from retry_in_period($starts, $ends, $scope, $flow) as retry
)
select
    period,
    key,
    count(*)::float8 as value,
    count(*) as n,
    0 as in_flight,
    mode(place order by place) as top_step,
    count(*) filter (where by_people) as by_people,
    count(*) filter (where wasted) as wasted,
    round(sum(seconds), 3) as total_seconds
from try_again
group by
    period,
    key
