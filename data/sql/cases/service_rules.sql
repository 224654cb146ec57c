-- one row: the rules of service that hold; none where the built-in ones do
select
    service_rule.rules,
    service_rule.is_applied,
from service_rule
order by service_rule.chosen_at desc
limit 1
