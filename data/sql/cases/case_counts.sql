-- one row per state, holder, and whether they are snoozed: cases that pass the filter, whatever their state
select
    chosen.state,
    chosen.snoozed_by is not null as is_snoozed,
    chosen.holder,
    count(*) as cases,
    count(*) filter (
        where is_due(
            'unaddressed', $chosen['moment']::timestamp, chosen.state, chosen.snoozed_by, chosen.triaged_at, chosen.triage_due_at, chosen.due_at,
            chosen.triage_warns_at, chosen.warns_at
        )
    ) as unaddressed,
from chosen_case($scope, $chosen) as chosen
group by
    chosen.state,
    is_snoozed,
    chosen.holder
