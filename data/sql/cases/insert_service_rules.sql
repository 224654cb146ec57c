-- one row: the rules of service that hold from now on
insert into service_rule (chosen_at, rules, is_applied)
values ($now, $rules, false)
