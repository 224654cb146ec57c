-- one row per rate that was set
insert into currency_rate by name
select
    new_rate.currency,
    new_rate.against,
    new_rate.rate,
    new_rate.valid_from,
    $actor as actor,
    $now::timestamp as set_at
from new_rate
