-- one row per source and host whose clock is off, or process where no host is named: as last measured
select
    clock.source,
    coalesce(clock.host, clock.clock) as name,
    clock.host is not null as is_host,
    -arg_max(clock.lag_us, clock.measured_at) / 1e6 as fast_s,
    sum(clock.arrivals)::bigint as arrivals,
    max(clock.measured_at) as measured_at,
from clock
where
    clock.right_since is null
    and clock.measured_at >= $since::timestamp
group by all
order by
    abs(fast_s) desc,
    name
limit $most
