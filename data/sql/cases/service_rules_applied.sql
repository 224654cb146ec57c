-- one row per set of rules that all live cases follow now
update service_rule set
    is_applied = true
where not service_rule.is_applied
