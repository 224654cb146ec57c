-- one row per rate that counts: the latest of its currency, counterpart and day
select
    currency_rate.currency,
    currency_rate.against,
    arg_max(currency_rate.rate, currency_rate.set_at) as rate,
    currency_rate.valid_from
from currency_rate
group by
    currency_rate.currency,
    currency_rate.against,
    currency_rate.valid_from
order by
    currency_rate.currency,
    currency_rate.against,
    currency_rate.valid_from desc
