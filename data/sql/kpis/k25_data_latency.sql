-- K25 Data latency
-- meaning: Share of records that arrived within five minutes of what they report.
-- group: data
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: source, flow, {splits}
-- rows: records
-- counted: in_time
-- rule: The period is that of the arrival, so what arrives late never changes a past period.
-- rule: The time is that between the event, as its record states it, and the arrival at the server. A record of the future, by a clock that is ahead, arrived in time.
-- rule: Log records and spans count; a span's event is its end. A record that is sent twice counts once.
-- rule: History that is read in later is late, too.
-- rule: Records that retention has removed are not in it any more: a period that holds such records shows what is left.
-- rule: The second figure is the time within which 95 of 100 records arrived, in whole seconds, rounded up.
-- rule: Whether the business data that a flow moves is late is not known: no record carries both times.
with
arrival as (
    select
        record.period,
        case
            when $by::varchar = 'source' then record.source
            else split_key(
                $by, record.flow, null, null, null,
                record.{split},
            )
        end as key,
        ceil(record.seconds) as seconds,
        count(*) as n
    from record_in_period($starts, $ends, $scope, $flow) as record
    group by all
),
ranked as (
    select
        *,
        sum(n) over (partition by period, key order by seconds) as up_to,
        sum(n) over (partition by period, key) as total
    from arrival
)
select
    period,
    key,
    100.0 * coalesce(sum(n) filter (where seconds <= 300), 0) / sum(n) as value,
    sum(n)::bigint as n,
    0 as in_flight,
    min(seconds) filter (where up_to >= 0.95 * total) as p95,
    coalesce(sum(n) filter (where seconds > 300), 0)::bigint as late
from ranked
group by
    period,
    key
